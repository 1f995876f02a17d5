package cdctest

import (
	"fmt"
	"strings"

	"ardso/cdc"
	"ardso/sql/schema"
)

// order writes to two tables in several transactions and expects each change once, in order.
func order(b *bench) {
	one := b.table("one", true, text("name"), b.number("qty"))
	two := b.table("two", true, text("name"), b.number("qty"))
	b.Setup(b, []*schema.Table{one, two})
	b.user(b.insert(one, 0, "before the start", 0)) // the start is where the first Setup was, or later
	start := b.Start(b)
	b.user(b.insert(two, 1, "a", 1), b.insert(one, 1, "b", 1), b.set(two, 1, "qty = 2"))
	b.user(b.insert(one, 2, "c", 1))
	b.user(b.remove(one, 1), b.insert(one, 1, "d", 1), b.remove(two, 1))
	got := b.read(start)
	want := []string{
		"insert two 1", "insert one 1", "update two 1", "insert one 2", "delete one 1", "insert one 1", "delete two 1",
	}
	sum := summary(changes(got))
	if len(sum) > 0 && sum[0] == "insert one 0" {
		sum = sum[1:]
	}
	b.want("changes", sum, want)
	if !b.Traits().Coarse {
		n := sizes(got)
		b.want("sizes of the last three transactions", n[max(0, len(n)-3):], []int{3, 1, 3})
	}
}

func sizes(all []*cdc.Transaction) []int {
	var ns []int
	for _, t := range all {
		ns = append(ns, len(t.Changes))
	}
	return ns
}

// interleaved lets transactions overlap: they come whole, in the order in which they committed.
func interleaved(b *bench) {
	if b.Traits().OneWriter {
		return
	}
	t := b.items(true)
	start := b.Start(b)
	ctx := b.Context()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	first, err := b.DB().BeginTxx(ctx, nil)
	must(err)
	second, err := b.DB().BeginTxx(ctx, nil)
	must(err)
	for i := range 6 {
		tx := first
		if i%2 == 1 {
			tx = second
		}
		_, err := tx.ExecContext(ctx, b.insert(t, i, "x", i))
		must(err)
	}
	must(second.Commit())
	b.user(b.insert(t, 10, "between", 0))
	must(first.Commit())
	got := b.read(start)
	b.want("changes", summary(changes(got)), []string{
		"insert item 1", "insert item 3", "insert item 5", "insert item 10", "insert item 0", "insert item 2", "insert item 4",
	})
	b.want("sizes", sizes(got), []int{3, 1, 3})
}

// rollback undoes a transaction, and part of one.
func rollback(b *bench) {
	t := b.items(true)
	start := b.Start(b)
	tx, err := b.DB().BeginTxx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := tx.ExecContext(b.Context(), b.insert(t, 1, "never", 1)); err != nil {
		b.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		b.Fatal(err)
	}
	b.user(b.insert(t, 2, "kept", 1), "SAVEPOINT s", b.insert(t, 3, "undone", 1), "ROLLBACK TO SAVEPOINT s", b.insert(t, 4, "kept", 1))
	b.want("changes", summary(changes(b.read(start))), []string{"insert item 2", "insert item 4"})
}

// parts writes transactions larger than a part, by rows and by bytes. They come in parts within the
// bounds, with one position at the end, and are cut in the same places when they come again (G7).
func parts(b *bench) {
	t := b.items(true)
	start := b.Start(b)
	traits := b.Traits()
	n := 3*traits.PartRows + 7
	mark := &cdc.Mark{Origin: "chicago", Path: []string{"tokyo", "chicago"}, Mapping: "desks"}
	b.Exec(b, mark, b.insertMany(t, 0, n, "x")...)
	wide := strings.Repeat("w", 190)
	m := 2*traits.PartBytes/len(wide) + 1
	if m > 50_000 {
		b.Fatalf("PartBytes %d makes this case too large", traits.PartBytes)
	}
	b.user(b.insertMany(t, n, m, wide)...)
	b.user(b.set(t, 0, "qty = 1"))

	got := b.read(start)
	b.checkParts(got, mark, n)
	all := changes(got)
	if len(all) != n+m+1 {
		b.Fatalf("got %d changes, want %d", len(all), n+m+1)
	}
	for i, c := range all[:n+m] {
		if c.Kind != cdc.Insert || int(c.After[0].Int()) != i {
			b.Fatalf("change %d: got %s", i, line(c))
		}
	}
	// A reader that was stopped within the transaction begins it again, and cuts it again as before.
	half := b.readUntil(start, func(t *cdc.Transaction) bool { return t.More })
	b.want("first part", fmt.Sprint(sizes(busy(half))), fmt.Sprint(sizes(got[:1])))
	b.want("cuts", sizes(b.read(start)), sizes(got))
}

// checkParts checks each part; the first n changes are ardso's.
func (b *bench) checkParts(got []*cdc.Transaction, mark *cdc.Mark, n int) {
	b.Helper()
	traits := b.Traits()
	more, seen := 0, 0
	for i, t := range got {
		if len(t.Changes) > traits.PartRows {
			b.Errorf("part %d: got %d rows, want %d at most", i, len(t.Changes), traits.PartRows)
		}
		if t.Bytes > traits.PartBytes+1000 {
			b.Errorf("part %d: got %d bytes, want %d at most", i, t.Bytes, traits.PartBytes)
		}
		if t.More {
			more++
		}
		if ours := seen < n; ours {
			b.want(fmt.Sprintf("mark of part %d", i), t.Mark, mark)
		} else if t.Mark != nil {
			b.Errorf("part %d: got a mark", i)
		}
		if i > 0 && got[i-1].More && !t.CommitTime.Equal(got[i-1].CommitTime) {
			b.Errorf("part %d: got another commit time than the part before", i)
		}
		seen += len(t.Changes)
	}
	if more < 4 {
		b.Errorf("got %d parts that are followed by more, want 4 at least", more)
	}
}

// insertMany are statements that insert n rows from id on.
func (b *bench) insertMany(t *schema.Table, id, n int, name string) []string {
	var statements []string
	for i := 0; i < n; {
		var rows []string
		for ; i < n && len(rows) < 200; i++ {
			rows = append(rows, fmt.Sprintf("(%d, '%s', 0)", id+i, name))
		}
		statements = append(statements, fmt.Sprintf("INSERT INTO %s (id, name, qty) VALUES %s", b.quoted(t), strings.Join(rows, ", ")))
	}
	return statements
}

// marks alternates users' and ardso's transactions: each is known for what it is (INV-6, L-11).
func marks(b *bench) {
	t := b.items(true)
	start := b.Start(b)
	hub := &cdc.Mark{Origin: "hub", Path: []string{"hub"}, Mapping: "chairs to Chicago"}
	far := &cdc.Mark{Origin: "tokyo", Path: []string{"chicago", "tokyo"}}
	back := &cdc.Mark{Origin: "hub", Path: []string{"hub"}, Mapping: "chairs to Chicago", WriteBack: true}
	want := []*cdc.Mark{nil, hub, nil, far, back, nil}
	for i, m := range want {
		b.Exec(b, m, b.insert(t, i, "x", i), b.insert(t, 100+i, "y", i))
	}
	b.Exec(b, nil, b.set(t, 0, "qty = 7")) // follows a user's, so it may come together with it
	got := b.read(start)
	seen := 0
	for _, tx := range got {
		for range tx.Changes {
			i := min(seen/2, len(want)-1)
			b.want(fmt.Sprintf("mark of change %d", seen), tx.Mark, want[i])
			seen++
		}
	}
	b.want("changes", seen, 2*len(want)+1)
}

// watermarks come in their places among the changes, each in a transaction of its own.
func watermarks(b *bench) {
	t := b.items(true)
	start := b.Start(b)
	b.user(b.insert(t, 1, "x", 1))
	b.Watermark(b, cdc.Watermark{Kind: cdc.Low, Name: "chunk 1"})
	b.user(b.insert(t, 2, "x", 1))
	b.Watermark(b, cdc.Watermark{Kind: cdc.High, Name: "chunk 1"})
	b.user(b.insert(t, 3, "x", 1))
	var got []string
	for _, tx := range b.read(start) {
		if len(tx.Watermarks) > 0 && len(tx.Changes) > 0 {
			b.Errorf("got changes with a watermark: %s", show([]*cdc.Transaction{tx}))
		}
		for _, w := range tx.Watermarks {
			got = append(got, string(w.Kind)+" "+w.Name)
		}
		got = append(got, summary(tx.Changes)...)
	}
	b.want("order", got, []string{"insert item 1", "low chunk 1", "insert item 2", "high chunk 1", "insert item 3"})
}
