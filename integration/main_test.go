package integration

import (
	"testing"

	"ardso/integration/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }
