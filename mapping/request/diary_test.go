package request_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ardso/mapping/request"
	"ardso/sql/value"
)

// show writes separators so that a person can read them.
func show(text string) string {
	return strings.NewReplacer("\x03", " ; ", "\x04", "|", "\x01", "^", "\n", "/").Replace(text)
}

func diary(text string) string {
	return strings.NewReplacer(" ; ", "\x03", "|", "\x04", "^", "\x01", "/", "\n").Replace(text)
}

func TestParseDiary(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"", ""},
		{"100|ann|glued ; ", "100 ann: glued\n"},
		{"100|ann|glued ; 90|bob|it|holds ; ", "100 ann: glued\n90 bob: it\x04holds\n"}, // in the order of writing
		{"100|ann|glued", "100 ann: glued\n"},                                           // the last separator is missing
		{"100||^a/b ; ", "100 : \na\nb\n"},
		{"-5|ann|before 1970 ; ", "-5 ann: before 1970\n"},
		{"plain text", "other: plain text\n"},
		{"|ann|no time ; noon|ann|no number ; 100|ann ; ", "other: \x04ann\x04no time\nother: noon\x04ann\x04no number\nother: 100\x04ann\n"},
		{" ;  ; 100|ann|x ;  ; ", "100 ann: x\n"},
	}
	for _, tt := range tests {
		var got strings.Builder
		for _, e := range request.ParseDiary(diary(tt.text)) {
			if e.Other {
				fmt.Fprintf(&got, "other: %s\n", e.Text)
			} else {
				fmt.Fprintf(&got, "%d %s: %s\n", e.Time, e.User, e.Text)
			}
		}
		if d := cmp.Diff(tt.want, got.String()); d != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, d)
		}
	}
}

func TestUnionDiaries(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, a, b, want string }{
		{"nothing", "", "", ""},
		{"one side", "100|ann|x ; ", "", "100|ann|x ; "},
		{"both added", "100|ann|x ; 300|ann|z ; ", "100|ann|x ; 200|bob|y ; ", "100|ann|x ; 200|bob|y ; 300|ann|z ; "},
		{"of one time by user, then text", "100|bob|b ; 100|bob|a ; ", "100|ann|c ; ", "100|ann|c ; 100|bob|a ; 100|bob|b ; "},
		{"numbers, not digits", "1000|ann|y ; ", "999|ann|x ; ", "999|ann|x ; 1000|ann|y ; "},
		{"the same entry, its line breaks stored in two ways", "100|ann|a^b ; ", "100|ann|a/b ; ", "100|ann|a^b ; "},
		{"an entry is not written anew", "0100|ann|x ; ", "", "0100|ann|x ; "},
		{"what is no entry", "100|ann|x ; ", "note", "note ; 100|ann|x ; "},
	}
	for _, tt := range tests {
		a, b := value.Text(diary(tt.a)), value.Text(diary(tt.b))
		for _, v := range []value.Value{request.UnionDiaries(a, b), request.UnionDiaries(b, a)} {
			if got := show(v.Text()); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
			}
		}
		if request.SameDiary(a, b) != (tt.a == tt.b || tt.name == "the same entry, its line breaks stored in two ways") {
			t.Errorf("%s: the same diary: %t", tt.name, request.SameDiary(a, b))
		}
	}
	if v := request.UnionDiaries(value.Null, value.Absent); !v.IsNull() {
		t.Errorf("nothing joined with nothing is %s", v)
	}
}

var drawDiary = rapid.Custom(func(t *rapid.T) string {
	entry := rapid.OneOf(
		rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("%d\x04%s\x04%s", rapid.IntRange(0, 3).Draw(t, "time"), rapid.SampledFrom([]string{"", "ann", "bob"}).Draw(t, "user"), rapid.SampledFrom([]string{"", "x", "a\nb", "a\x01b", "c\x04d"}).Draw(t, "text"))
		}),
		rapid.SampledFrom([]string{"", "note", "1\x04ann"}),
	)
	return strings.Join(rapid.SliceOfN(entry, 0, 5).Draw(t, "entries"), "\x03")
})

// The union of diaries is that of sets: who joins what with what, and in which order, does not matter, and no entry is
// lost.
func TestUnionDiariesProperties(t *testing.T) {
	t.Parallel()
	union := func(a, b string) string { return request.UnionDiaries(value.Text(a), value.Text(b)).Text() }
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawDiary.Draw(t, "a"), drawDiary.Draw(t, "b"), drawDiary.Draw(t, "c")
		ab := union(a, b)
		all := request.ParseDiary(ab)
		for _, e := range slices.Concat(request.ParseDiary(a), request.ParseDiary(b)) {
			if !slices.ContainsFunc(all, func(f request.DiaryEntry) bool {
				return e.Time == f.Time && e.User == f.User && e.Text == f.Text && e.Other == f.Other
			}) {
				t.Fatalf("lost %+v", e)
			}
		}
		if len(all) == 0 {
			return
		}
		if !slices.IsSortedFunc(all, func(e, f request.DiaryEntry) int { return int(e.Time - f.Time) }) {
			t.Fatalf("not in order of time: %q", show(ab))
		}
		for what, other := range map[string]string{
			"the other way round": union(b, a), "twice": union(ab, ab), "with a part of itself": union(ab, a),
		} {
			if other != ab {
				t.Fatalf("%s: got %q, then %q", what, show(ab), show(other))
			}
		}
		if one, other := union(ab, c), union(a, union(b, c)); one != other {
			t.Fatalf("three diaries: got %q and %q", show(one), show(other))
		}
	})
}

// FuzzDiary: any text is a diary; stored again it has the same entries, and joined with itself it loses none.
func FuzzDiary(f *testing.F) {
	for _, seed := range []string{"", "1795341600\x04ann\x04Leg glued\x031795345200\x04bob\x04Büro 🪑\x03", "\x03\x03\x04", "note", "1\x04\x04\x01\x03"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := request.ParseDiary(text)
		if again := request.ParseDiary(d.String()); fmt.Sprint(again) != fmt.Sprint(d) {
			t.Errorf("%q: got %v, then %v", text, d, again)
		}
		stored, once := value.Text(text), value.Text(d.Union(nil).String())
		if !request.SameDiary(stored, once) {
			t.Errorf("%q joined with nothing has other entries: %q", text, once.Text())
		}
		if twice := d.Union(d).Union(d).String(); twice != once.Text() {
			t.Errorf("%q: joined once %q, joined more often %q", text, once.Text(), twice)
		}
	})
}
