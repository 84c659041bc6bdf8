package faults

import (
	"testing"

	"countersign/acceptance/rig"
)

func TestMain(m *testing.M) { rig.Main(m) }
