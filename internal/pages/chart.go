package pages

import (
	"fmt"
	"strings"
	"time"
)

// Chart is a line over days as SVG, to be shown with a table of the same numbers.
type Chart struct {
	Label string // what it shows, for people who do not see it
	From  time.Time
	To    time.Time
	Top   int // the highest value on the scale
	lines []chartLine
}

type chartLine struct {
	tone   string
	points []ChartPoint
}

// ChartPoint is a value on a day.
type ChartPoint struct {
	Day   time.Time
	Value int
}

// The drawing area, in units of the SVG's viewBox.
const (
	chartWidth  = 600
	chartHeight = 160
)

// NewChart is an empty chart of the days from one to another.
func NewChart(label string, from, to time.Time) *Chart {
	return &Chart{
		Label: label,
		From:  from,
		To:    to,
		Top:   1,
	}
}

// Add draws a line in a tone of the style sheet.
func (c *Chart) Add(tone string, points []ChartPoint) {
	c.lines = append(c.lines, chartLine{tone, points})
	for _, p := range points {
		c.Top = max(c.Top, p.Value)
	}
}

// ChartPath is a line as SVG draws it.
type ChartPath struct{ Tone, Points string }

// Paths are the lines. A single value is a short stroke, so that it can be seen.
func (c *Chart) Paths() (out []ChartPath) {
	for _, l := range c.lines {
		var b strings.Builder
		for _, p := range l.points {
			x, y := c.place(p)
			fmt.Fprintf(&b, "%.1f,%.1f ", x, y)
			if len(l.points) == 1 {
				fmt.Fprintf(&b, "%.1f,%.1f ", max(x-6, 0), y)
			}
		}
		out = append(out, ChartPath{l.tone, strings.TrimSpace(b.String())})
	}
	return out
}

func (c *Chart) place(p ChartPoint) (x, y float64) {
	span := c.To.Sub(c.From)
	if span > 0 {
		x = float64(p.Day.Sub(c.From)) / float64(span) * chartWidth
	}
	return x, chartHeight - float64(p.Value)/float64(c.Top)*chartHeight
}
