package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// Greetings of real servers, as recorded.
var greetings = map[string]string{
	"mariadb":  "\x0a5.5.5-10.11.19-MariaDB-log\x00\x05\x00\x00\x00*9Zd_G=R\x00\xfe\xf7\x2d\x02\x00\xff\x81\x15\x00\x00\x00\x00\x00\x00\x1d\x00\x00\x00G<?l.7pQ!;Kv\x00mysql_native_password\x00",
	"mysql5.6": "\x0a5.6.24-log\x00\x02\x00\x00\x00NGr}qL-a\x00\xff\xf7\x2d\x02\x00\x7f\x80\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00:7H$5lPNGa8]\x00mysql_native_password\x00",
}

func TestRecordedGreetings(t *testing.T) {
	t.Parallel()
	for name, text := range greetings {
		g, err := parseGreeting([]byte(text))
		if err != nil || g.plugin != nativePassword || len(g.challenge) != 21 || g.capabilities&clientPluginAuth == 0 {
			t.Errorf("%s: got %+v, %v", name, g, err)
		}
		if _, peer, err := connectBytes(t.Context(), "tcp", slices.Concat(frame(0, []byte(text)), frame(2, okPacket))); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if sent := peer.got.Bytes(); sent[3] != 1 || !bytes.Contains(sent, nativeAnswer(testPassword, g.challenge[:20])) {
			t.Errorf("%s: sent %q", name, sent)
		}
	}
}

// TestShortGreeting is of a server that ends it after the lower half of the capabilities.
func TestShortGreeting(t *testing.T) {
	t.Parallel()
	p := hello(clientProtocol41|clientSecure, "", salt)
	short := p[:bytes.IndexByte(p, 0)+1+4+9+2]
	g, err := parseGreeting(short)
	if err != nil || g.plugin != "" || !bytes.Equal(g.challenge, salt[:8]) {
		t.Errorf("got %+v, %v", g, err)
	}
	_, _, err = connectBytes(t.Context(), "tcp", frame(0, short))
	if !errors.Is(err, ErrMalformed) { // no plugin can do with 8 bytes
		t.Errorf("got %v", err)
	}
	client, server := connect(t, nil, func(p *peer) { // no plugins, but a whole challenge
		p.send(hello(clientProtocol41|clientSecure, "", salt))
		b := p.receive()
		want := append([]byte("ardso\x00\x14"), nativeAnswer(testPassword, salt)...)
		if !bytes.Equal(b[32:], want) {
			panic(fmt.Errorf("got %q, want %q", b[32:], want))
		}
		p.send(okPacket)
	})
	if client != nil || server != nil {
		t.Error(client, server)
	}
}

func TestNoMySQLServer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, says, want string
	}{
		{"ssh", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", `it begins with "SSH-2.0-OpenSSH_9.2p1 Debian`},
		{"http", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request", `"HTTP/1.1 400 Bad`},
		{"smtp", "220 mail.example.com ESMTP ready\r\n", `"220 mail.example.com`},
		{"postgres", "E\x00\x00\x00\x55SFATAL\x00C0A000\x00Munsupported frontend protocol", `"E\x00\x00\x00USFATAL`},
		{"MySQL X", "\x05\x00\x00\x00\x0b\x08\x05\x1a\x00", `begins with`},
		{"closes", "", "closed without a word"},
		{"protocol 11", string(frame(0, []byte("\x0b8.0\x00"))), `begins with "\v8.0`},
		{"empty packet", string(frame(0, nil)), "begins with"},
		{"ends early", string(frame(0, []byte("\x0a8.0.11\x00\x01\x00"))), "ends early"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := connectBytes(t.Context(), "tcp", []byte(test.says))
			var named *NotMySQLError
			if !errors.As(err, &named) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want a *NotMySQLError with %s", err, test.want)
			}
			if named.Name() == "" || named.Remedy() == "" {
				t.Errorf("got %#v: a person needs more", named)
			}
		})
	}
}

// TestSilence: PostgreSQL and HTTP servers wait for the client to speak.
func TestSilence(t *testing.T) {
	t.Parallel()
	client, _ := connect(t, func(c *Config) { c.Timeout = 100 * time.Millisecond }, func(*peer) {})
	var named *NotMySQLError
	if !errors.As(client, &named) || !errors.Is(client, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", client)
	}
	why := errors.New("this is why")
	ctx, cancel := context.WithCancelCause(t.Context())
	address, _ := serve(t, func(*peer) { cancel(why) })
	if _, err := Connect(ctx, configFor(address)); !errors.Is(err, why) {
		t.Errorf("cancelled: got %v, want the cause", err)
	}
}

func TestTooOld(t *testing.T) {
	t.Parallel()
	nine := frame(0, []byte("\x093.20.32\x00\x01\x00\x00\x00abcdefgh\x00"))
	for name, line := range map[string][]byte{
		"protocol 9":   nine,
		"no 4.1":       frame(0, hello(clientSecure, "", salt)),
		"no challenge": frame(0, hello(clientProtocol41, "", salt)),
	} {
		_, peer, err := connectBytes(t.Context(), "tcp", line)
		var named *UnsupportedError
		if !errors.As(err, &named) || named.Remedy() == "" || named.Name() == "" {
			t.Errorf("%s: got %v, want an *UnsupportedError", name, err)
		}
		if peer.got.Len() > 0 {
			t.Errorf("%s: sent %q", name, peer.got.Bytes())
		}
	}
}

// TestRefusedAtTheDoor: errors in the place of the greeting come without a state.
func TestRefusedAtTheDoor(t *testing.T) {
	t.Parallel()
	for want, text := range map[ServerError]string{
		{1040, "", "Too many connections"}:                        "\xff\x10\x04Too many connections",
		{1040, "08004", "Too many connections"}:                   "\xff\x10\x04#08004Too many connections",
		{1129, "", "Host 'h' is blocked"}:                         "\xff\x69\x04Host 'h' is blocked",
		{1130, "HY000", "Host 'h' is not allowed"}:                "\xff\x6a\x04#HY000Host 'h' is not allowed",
		{1053, "08S01", "Server shutdown in progress #08S01 now"}: "\xff\x1d\x04#08S01Server shutdown in progress #08S01 now",
	} {
		_, _, err := connectBytes(t.Context(), "tcp", frame(0, []byte(text)))
		var said *ServerError
		if !errors.As(err, &said) || *said != want {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

// TestCutEverywhere ends the server's part of a login at every byte.
func TestCutEverywhere(t *testing.T) {
	t.Parallel()
	line := slices.Concat(
		frame(0, hello(allCapabilities, cachingPassword, salt)),
		frame(2, append([]byte("\xfemysql_native_password\x00"), append(salt, 0)...)),
		frame(4, okPacket),
	)
	for i := range line {
		_, _, err := connectBytes(t.Context(), "tcp", line[:i])
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("after %d bytes of %d: got %v", i, len(line), err)
		}
	}
	if _, _, err := connectBytes(t.Context(), "tcp", line); err != nil {
		t.Errorf("the whole of it: %v", err)
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	client, server := connect(t, func(c *Config) {
		c.Attributes = map[string]string{"program_name": "ardso reader", "_pid": "1", "long": strings.Repeat("x", 300)}
	}, func(p *peer) {
		p.send(hello(allCapabilities, nativePassword, salt))
		r := p.response()
		if want := uint32(clientCapabilities | requiredCapabilities); r.flags != want {
			panic(fmt.Errorf("flags: got %#x, want %#x", r.flags, want))
		}
		if r.user != "ardso" || r.plugin != nativePassword || r.attributes["program_name"] != "ardso reader" || len(r.attributes) != 3 {
			panic(fmt.Errorf("got %+v", r))
		}
		p.send(okPacket)
		p.s.seq = 0
		p.want("the end", []byte{comQuit})
	})
	if client != nil || server != nil {
		t.Error(client, server)
	}
}

// TestNoTLS: TLS that is demanded and not offered is an error before anything is sent.
func TestNoTLS(t *testing.T) {
	t.Parallel()
	script := func(p *peer) {
		p.send(hello(allCapabilities&^clientSSL, nativePassword, salt))
		p.response()
		p.send(okPacket)
	}
	client, server := connect(t, func(c *Config) { c.TLS = &tls.Config{InsecureSkipVerify: true} }, script)
	var named *UnsupportedError
	if !errors.As(client, &named) || !errors.Is(server, io.ErrUnexpectedEOF) {
		t.Errorf("demanded: got %v, and at the server %v", client, server)
	}
	client, server = connect(t, func(c *Config) { c.TLS, c.Plaintext = &tls.Config{InsecureSkipVerify: true}, true }, script)
	if client != nil || server != nil {
		t.Errorf("preferred: got %v, and at the server %v", client, server)
	}
}

// TestBeforeTLS: until TLS is there the server gets no more than the head of the response, whatever it does.
func TestBeforeTLS(t *testing.T) {
	t.Parallel()
	for name, after := range map[string][]byte{
		"OK":       frame(2, okPacket),
		"garbage":  []byte("garbage"),
		"refused":  frame(2, []byte("\xff\x15\x04#28000no")),
		"injected": nil, // with the greeting itself
	} {
		line := slices.Concat(frame(0, hello(allCapabilities, clearPassword, salt)), after)
		if name == "injected" {
			line = append(line, frame(1, okPacket)...)
		}
		peer := &bytesConn{r: bytes.NewReader(line)}
		if name != "injected" { // not in one read with the greeting
			peer.r = io.MultiReader(bytes.NewReader(line[:len(line)-len(after)]), bytes.NewReader(after))
		}
		config := configFor("host:1")
		config.TLS = &tls.Config{InsecureSkipVerify: true}
		config.Dial = func(context.Context, string, string) (net.Conn, error) { return peer, nil }
		_, err := Connect(t.Context(), config)
		if err == nil {
			t.Errorf("%s: got no error", name)
		}
		if sent := peer.got.String(); strings.Contains(sent, "ardso") || strings.Contains(sent, testPassword) {
			t.Errorf("%s: sent %q", name, sent)
		}
		if name == "injected" && (!errors.Is(err, ErrMalformed) || peer.got.Len() > 0) {
			t.Errorf("%s: got %v, sent %q", name, err, peer.got.Bytes())
		}
	}
}

func TestTLSName(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Config{
		"db.example":    {Network: "tcp", Address: "db.example:3306", TLS: &tls.Config{}},
		"::1":           {Network: "tcp", Address: "[::1]:3306", TLS: &tls.Config{}},
		"localhost":     {Network: "unix", Address: "/run/s.sock", TLS: &tls.Config{}},
		"other.example": {Network: "tcp", Address: "db.example:3306", TLS: &tls.Config{ServerName: "other.example"}},
	} {
		if got := tlsConfig(c).ServerName; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestSecretsDoNotShow formats what holds or has seen the password in all ways (O-6).
func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	config := configFor("host:1")
	c, _, err := connectBytes(t.Context(), "unix", slices.Concat(
		frame(0, hello(allCapabilities, nativePassword, salt)),
		frame(2, append([]byte("\xfemysql_clear_password\x00"), salt...)), frame(4, okPacket),
	))
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	for _, v := range []any{config, &config, config.Password, []Config{config}, map[string]any{"c": config}, c, struct{ C any }{c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
			fmt.Fprintf(&shown, verb+"\n", v)
		}
		config.TLS, config.Dial = nil, nil
		slog.New(slog.NewTextHandler(&shown, nil)).Info("text", "v", v)
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("json", "v", v)
	}
	if j, err := json.Marshal(config.Password); err != nil || string(j) != `"***"` {
		t.Errorf("JSON: got %s, %v", j, err)
	}
	for _, form := range []string{"%s", "%x", "%X", "%d"} {
		secret := strings.Trim(fmt.Sprintf(form, []byte(testPassword)), "[]")
		if strings.Contains(shown.String(), secret) {
			t.Errorf("the password shows as %s:\n%s", form, shown.String())
		}
	}
	if bytes.Contains(c.stream.out[:cap(c.stream.out)], []byte(testPassword)) {
		t.Error("the password is left in the write buffer")
	}
}

// FuzzHandshake takes the input as all that a server says, over TCP and over a socket.
func FuzzHandshake(f *testing.F) {
	for _, text := range greetings {
		f.Add(slices.Concat(frame(0, []byte(text)), frame(2, okPacket)))
	}
	f.Add(slices.Concat(
		frame(0, hello(allCapabilities, cachingPassword, salt)), frame(2, []byte{1, cachingFull}), frame(4, append([]byte{1}, testKeyText()...)),
		frame(6, okPacket),
	))
	f.Add(slices.Concat(
		frame(0, hello(allCapabilities, "dialog", salt)), frame(2, append([]byte("\xfeclient_ed25519\x00"), make([]byte, 32)...)),
		frame(4, append([]byte("\xfesha256_password\x00"), salt...)), frame(6, []byte{1, 2}),
	))
	f.Add(slices.Concat(frame(0, hello(allCapabilities, nativePassword, salt)), frame(2, []byte{0xfe})))
	f.Add(frame(0, []byte("\xff\x10\x04Too many connections")))
	f.Add([]byte("SSH-2.0-OpenSSH_9.2p1\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for _, network := range []string{"tcp", "unix"} {
			c, peer, err := connectBytes(t.Context(), network, said)
			if err == nil && (c.ServerVersion() != "" && !bytes.Contains(said, []byte(c.ServerVersion()))) {
				t.Errorf("version %q", c.ServerVersion())
			}
			if err != nil && strings.Contains(err.Error(), testPassword) {
				t.Errorf("the password shows: %v", err)
			}
			if network == "tcp" && bytes.Contains(peer.got.Bytes(), []byte(testPassword)) {
				t.Errorf("the password went out: %q", peer.got.Bytes())
			}
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 16<<20 {
			t.Errorf("allocated %d bytes for %d", got, len(said))
		}
	})
}
