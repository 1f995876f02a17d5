// Package cdctest is the suite that every reader must pass, and a reader that replays a script.
//
// A reader's own test hands Run a function that makes a Source: a fresh database with what the suite
// needs to know about its reader. Run then checks what cdc.Reader promises: images, order, resuming,
// parts, marks, watermarks, backpressure, confirming, lost positions, schema changes, stopping. The
// suite is engine-neutral: where engines differ, it asks the Source.
//
//	func TestReader(t *testing.T) {
//		cdctest.Run(t, func(t *testing.T) cdctest.Source { return newSource(t) })
//	}
//
// Script is a cdc.Reader without a database, for tests of what stands behind a reader.
//
// Read Source, Run, then Script.
package cdctest
