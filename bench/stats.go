package main

import (
	"slices"
	"time"
)

// percentile is the smallest value that p percent of a sorted list do not exceed.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := int(p/100*float64(len(sorted))+0.9999999) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// median of a list, the mean of the middle two where there is no middle.
func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(list))
	m := len(s) / 2
	if len(s)%2 == 0 {
		return (s[m-1] + s[m]) / 2
	}
	return s[m]
}

// spread is how far the farthest value lies from the median, in percent of it.
func spread(list []float64) float64 {
	m := median(list)
	if m == 0 {
		return 0
	}
	far := 0.0
	for _, v := range list {
		far = max(far, v-m, m-v)
	}
	return 100 * far / m
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
