package engine

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// parseURL reads a URL of the definitions. A password in it is refused: URLs are shown in output, and
// passwords never are (O-6). No error quotes the text, since a password with a slash or a bad escape
// can turn up in any part of a URL that is taken apart wrongly.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("url: it does not read as engine://user@host:port/database?option=value; characters other than letters, digits and -._~ in a name are written %XX, and a password does not belong here")
	}
	if _, has := u.User.Password(); has {
		return nil, errors.New("url: it holds a password; passwords come from `password: ${NAME}` or `password_file:`")
	}
	if u.Scheme != "sqlite" && strings.Contains(u.Path+u.Opaque+u.RawQuery+u.Fragment, "@") {
		return nil, errors.New("url: it has an @ behind the host; if that is part of a password: passwords come from `password: ${NAME}` or `password_file:`")
	}
	return u, nil
}

// shown is a URL as output may hold it: without the password that should not be there.
func shown(raw string) string {
	u, err := parseURL(raw)
	if err != nil {
		return "an unreadable url"
	}
	u.RawQuery = ""
	return u.String()
}

// options returns the query of a URL, one value a key, and refuses keys that are not in known. Values
// are not quoted in errors.
func options(u *url.URL, known ...string) (map[string]string, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("url: its options do not read as key=value&key=value")
	}
	opts := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(query)) {
		switch {
		case strings.Contains(key, "pass"):
			return nil, errors.New("url: it holds a password; passwords come from `password: ${NAME}` or `password_file:`")
		case !slices.Contains(known, key):
			return nil, fmt.Errorf("url: unknown option %q; there are %s", key, strings.Join(known, ", "))
		case len(query[key]) != 1:
			return nil, fmt.Errorf("url: option %q is given more than once", key)
		}
		opts[key] = query[key][0]
	}
	return opts, nil
}

// database returns the name of the database, which the path holds.
func database(u *url.URL) (string, error) {
	name := strings.TrimPrefix(u.Path, "/")
	if u.Opaque != "" || name == "" || strings.Contains(name, "/") {
		return "", fmt.Errorf("url: it names no database: %s://user@host:port/database", u.Scheme)
	}
	return name, nil
}
