package console

import (
	"time"

	"countersign/internal/company"
)

// storySteps is a page of a company whose second step has yet to begin.
func storySteps(page securityPage, now time.Time) securityPage {
	page.Steps = stepsView{
		Shown:     true,
		MayChange: true,
		StopAt:    10,
		Rows: []stepRow{
			{Title: stepKeys[0], From: now.AddDate(0, 0, -1), Begun: true},
			{Title: stepKeys[1], From: now.AddDate(0, 0, 2)},
			{Title: stepKeys[2], From: now.AddDate(0, 0, 5)},
		},
		Asked:  24,
		Failed: 1,
	}
	return page
}

func storyStopped(page securityPage, now time.Time) securityPage {
	page = storySteps(page, now)
	page.Steps.Stopped, page.Steps.Failed = now, 6
	for i := range page.Steps.Rows[1:] {
		row := &page.Steps.Rows[1+i]
		row.Waits, row.Resume = true, row.From
	}
	return page
}

func storyPlannedSteps(from time.Time) []company.PlannedStep {
	return []company.PlannedStep{
		{From: from, People: 30},
		{From: from.AddDate(0, 0, 3), People: 112},
		{From: from.AddDate(0, 0, 6), People: 200},
	}
}
