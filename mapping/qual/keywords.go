package qual

import (
	"time"

	"ardso/sql/schema"
	"ardso/sql/value"
)

// keyword is one of AR System's $WORDS$. Numbers are the codes of stored qualifications (§6.6).
type keyword struct {
	name   string
	number int
	typ    schema.Type // 0: NULL here, with a warning when it is compiled
	// fits are other types that the keyword takes beside an operand of that type.
	fits []schema.Type
	get  func(k *Keywords, t schema.Type, zone *time.Location) value.Value
}

// keywords lists all that AR System knows. Those without get are the client's, or tell of groups
// and sessions that no log shows: they are NULL (§12 row 10).
var keywords = []*keyword{
	{name: "DEFAULT", number: 0},
	{name: "USER", number: 1, typ: schema.Character, get: textOf(func(k *Keywords) string { return k.User })},
	{name: "TIMESTAMP", number: 2, typ: schema.DateTime, get: timestamp},
	{name: "TIME", number: 3, typ: schema.DateTime, fits: []schema.Type{schema.Date, schema.Time}, get: timeNow},
	{name: "DATE", number: 4, typ: schema.DateTime, fits: []schema.Type{schema.Date, schema.Time}, get: dateToday},
	{name: "SCHEMA", number: 5, typ: schema.Character, get: textOf(func(k *Keywords) string { return k.Schema })},
	{name: "SERVER", number: 6, typ: schema.Character, get: textOf(func(k *Keywords) string { return k.Server })},
	{name: "WEEKDAY", number: 7, typ: schema.Character, get: weekday},
	{name: "GROUPS", number: 8},
	{name: "OPERATION", number: 9, typ: schema.Character, get: textOf(func(k *Keywords) string { return k.Operation })},
	{name: "HARDWARE", number: 10},
	{name: "OS", number: 11},
	{name: "DATABASE", number: 12},
	{name: "LASTID", number: 13},
	{name: "LASTCOUNT", number: 14},
	{name: "VERSION", number: 15},
	{name: "VUI", number: 16},
	{name: "GUIDETEXT", number: 17},
	{name: "FIELDHELP", number: 18},
	{name: "GUIDE", number: 19},
	{name: "APPLICATION", number: 20},
	{name: "LOCALE", number: 21},
	{name: "CLIENT-TYPE", number: 22},
	{name: "CLIENT_TYPE", number: 22},
	{name: "SCHEMA-ALIAS", number: 23, typ: schema.Character, get: textOf(func(k *Keywords) string { return k.Schema })},
	{name: "ROWSELECTED", number: 24},
	{name: "ROWCHANGED", number: 25},
	{name: "BROWSER", number: 26},
	{name: "VUI-TYPE", number: 27},
	{name: "TCPPORT", number: 28},
	{name: "HOMEURL", number: 29},
	{name: "ROLES", number: 30},
	{name: "EVENTTYPE", number: 31},
	{name: "EVENTSRCWINID", number: 32},
	{name: "CURRENTWINID", number: 33},
	{name: "LASTOPENEDWINID", number: 34},
	{name: "INBULKTRANSACTION", number: 35},
	{name: "FIELDID", number: 36},
	{name: "FIELDNAME", number: 37},
	{name: "FIELDLABEL", number: 38},
	{name: "SERVERTIMESTAMP", number: 39, typ: schema.DateTime, get: timestamp},
	{name: "GROUPIDS", number: 40},
	{name: "EVENTDATA", number: 41},
	{name: "ERRNO", number: 42},
	{name: "ERRMSG", number: 43},
	{name: "ERRAPPENDMSG", number: 44},
	{name: "INCLNTMANAGEDTRANS", number: 45},
	{name: "AUTHSTRING", number: 51},
}

// nullWord is $NULL$: a value of its own kind, no keyword.
const nullWord = "NULL"

var keywordByName = func() map[string]*keyword {
	m := make(map[string]*keyword, len(keywords))
	for _, k := range keywords {
		m[k.name] = k
	}
	return m
}()

func (k *keyword) canBe(t schema.Type) bool {
	if k.typ == t {
		return true
	}
	for _, f := range k.fits {
		if f == t {
			return true
		}
	}
	return false
}

// textOf is a keyword of text; "" reads as NULL, as $USER$ is on delete (§12 row 6).
func textOf(get func(*Keywords) string) func(*Keywords, schema.Type, *time.Location) value.Value {
	return func(k *Keywords, _ schema.Type, _ *time.Location) value.Value {
		if s := get(k); s != "" {
			return value.Text(s)
		}
		return value.Null
	}
}

// timestamp is the event's time in whole seconds (§12 row 8).
func timestamp(k *Keywords, _ schema.Type, _ *time.Location) value.Value {
	if k.Now.IsZero() {
		return value.Null
	}
	return value.Instant(k.Now.Unix() * secondMicros)
}

// timeNow is the time of day for a time, the present second for a date/time, today for a date.
func timeNow(k *Keywords, t schema.Type, zone *time.Location) value.Value {
	if k.Now.IsZero() {
		return value.Null
	}
	switch t {
	case schema.Time:
		h, m, s := k.Now.In(zone).Clock()
		return value.TimeOfDay(int64(h*3600+m*60+s) * secondMicros)
	case schema.Date:
		return dateToday(k, t, zone)
	}
	return timestamp(k, t, zone)
}

// dateToday is midnight today for a date/time, the day for a date, 0 for a time (§6.6).
func dateToday(k *Keywords, t schema.Type, zone *time.Location) value.Value {
	if k.Now.IsZero() {
		return value.Null
	}
	y, m, d := k.Now.In(zone).Date()
	switch t {
	case schema.Time:
		return value.TimeOfDay(0)
	case schema.Date:
		return value.Date(dayOf(y, m, d))
	}
	return value.Instant(time.Date(y, m, d, 0, 0, 0, 0, zone).Unix() * secondMicros)
}

func weekday(k *Keywords, _ schema.Type, zone *time.Location) value.Value {
	if k.Now.IsZero() {
		return value.Null
	}
	return value.Text(k.Now.In(zone).Weekday().String())
}
