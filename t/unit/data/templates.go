// SPDX-License-Identifier: Apache-2.0

// What Go makes of templates, for t/unit/test_template_go.c: each template with each value.
//
//	go run t/unit/data/templates.go >t/unit/data/templates.json
//
// "made" is what Go wrote; null where Go refuses the template. "ours" stands beside it where docs/differences.md says that we
// make something else on purpose.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	html "html/template"
	"net/url"
	"os"
	"strings"
	text "text/template"
)

var values = []any{
	"", "Ana", "O'Brien", `"quoted"`, "<b>bold</b>", "a & b", "a &amp; b", "1 + 1 = 2", "a/b?c=d&e=f#g", "100%", "%41%zz",
	"https://id.example/r?a=1&b=2", "https://id.example/a b/ä?q=%C3%A4&x='\"", "HTTPS://id.example/(a)", "mailto:ana@x.example",
	"javascript:alert(1)", "//evil.example/x", "äöü €", "🐎", "line\nbreak\ttab\x1f\x7f", `back\slash`, "a;b:c,d",
	"</script><script>", "\u2028 \u200b \u00ad \ue000", "{{ .V }}", 7, true, 1.5,
}

const page, plain = "html", "text"

var templates = []struct{ kind, source string }{
	// where the place escapes already, an escaper at the end takes its turn, and no second one
	{page, `<p>{{ .V }}</p>`},
	{page, `<p>{{ .V | html }}</p>`},
	{page, `<p>{{ html .V }}</p>`},
	{page, `<p>{{ .V | printf "[%v]" | html }}</p>`},
	{page, `<p>{{ html .V .V }}</p>`},
	{page, `<p title="{{ .V | html }}">x</p>`},
	{page, `<p title='{{ html .V }}'>x</p>`},
	{page, `<title>{{ .V | html }}</title>`},
	{page, `<textarea>{{ .V | html }}</textarea>`},
	// another escaper is another layer
	{page, `<p>{{ .V | urlquery }}</p>`},
	{page, `<p>{{ urlquery .V }}</p>`},
	{page, `<p title="{{ .V | urlquery }}">x</p>`},
	{page, `<textarea>{{ urlquery .V .V }}</textarea>`},
	{page, `<p>{{ .V | js }}</p>`},
	{page, `<p>{{ js .V }}</p>`},
	{page, `<p title='{{ .V | js }}'>x</p>`},
	// URLs
	{page, `<a href="{{ .V }}">x</a>`},
	{page, `<a href="{{ .V | html }}">x</a>`},
	{page, `<a href="{{ .V | urlquery }}">x</a>`},
	{page, `<a href="https://x.example/{{ .V }}">x</a>`},
	{page, `<a href="https://x.example/{{ .V | urlquery }}">x</a>`},
	{page, `<a href="https://x.example/?q={{ .V }}">x</a>`},
	{page, `<a href="https://x.example/?q={{ .V | html }}">x</a>`},
	{page, `<a href="https://x.example/?q={{ .V | urlquery }}">x</a>`},
	{page, `<a href='https://x.example/?q={{ urlquery .V }}'>x</a>`},
	{page, `<a href="https://x.example/?q={{ .V | js }}">x</a>`},
	{page, `<img src='mailto:x@y.example?subject={{ .V | urlquery }}'>`},
	// inside parentheses, variables and conditions an escaper is a function as others are
	{page, `<p>{{ (.V | html) }}</p>`},
	{page, `<p>{{ print (html .V) }}</p>`},
	{page, `<p>{{ (html .V) | html }}</p>`},
	{page, `<p>{{ $x := .V | html | printf "%v" }}{{ $x }}</p>`},
	{page, `<p>{{ $x := urlquery .V }}{{ $x | urlquery }}</p>`},
	{page, `<p>{{ if .V | html | len }}y{{ else }}n{{ end }}</p>`},
	// refused
	{page, `<p>{{ .V | html | printf "%v" }}</p>`},
	{page, `<p>{{ html .V | printf "%v" }}</p>`},
	{page, `<p>{{ .V | urlquery | html }}</p>`},
	{page, `<p>{{ .V | html | urlquery }}</p>`},
	{page, `<p>{{ .V | html | js }}</p>`},
	{page, `<p class={{ .V | html }}>x</p>`},
	// plain text escapes nothing by itself
	{plain, `{{ .V }}`},
	{plain, `{{ .V | html }}`},
	{plain, `{{ html .V }}`},
	{plain, `{{ html .V .V }}`},
	{plain, `{{ .V | urlquery }}`},
	{plain, `{{ urlquery .V .V }}`},
	{plain, `{{ .V | js }}`},
	{plain, `{{ js .V .V }}`},
	{plain, `{{ .V | html | js }}`},
	{plain, `{{ .V | js | urlquery | html }}`},
	{plain, `{{ .V | html | printf "<%v>" }}`},
	{plain, `{{ print .V .V 1 2 "a" 3 true }}`},
}

type row struct {
	Kind     string            `json:"kind"`
	Template string            `json:"template"`
	Made     []string          `json:"made"`
	Ours     map[string]string `json:"ours,omitempty"`
}

func render(kind, source string, value any) (string, error) {
	var out bytes.Buffer
	data := map[string]any{"V": value}
	if kind == plain {
		err := text.Must(text.New("t").Parse(source)).Execute(&out, data)
		return out.String(), err
	}
	err := html.Must(html.New("t").Parse(source)).Execute(&out, data)
	return out.String(), err
}

// What we make on purpose instead: see docs/differences.md.
func ours(source string, value any) (string, bool) {
	v := fmt.Sprint(value)
	begin, rest, isURL := strings.Cut(source, `href="`)
	if !isURL {
		return "", false
	}
	lower, scheme := strings.ToLower(v), strings.Index(v, ":")
	allowed := strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "mailto:")
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	switch {
	case strings.HasPrefix(rest, "{{ .V }}") || strings.HasPrefix(rest, "{{ .V | html }}"):
		return begin + `href="#">x</a>`, v != "" && !allowed
	case strings.HasPrefix(rest, "{{ .V | urlquery }}"):
		return begin + `href="` + url.QueryEscape(v) + `">x</a>`, scheme >= 0 && !allowed
	case strings.HasPrefix(rest, "https://x.example/{{ .V }}"):
		return begin + `href="https://x.example/` + escape(v) + `">x</a>`, true
	}
	return "", false
}

func main() {
	rows := []row{}
	for _, t := range templates {
		r := row{t.kind, t.source, []string{}, map[string]string{}}
		for i, value := range values {
			made, err := render(t.kind, t.source, value)
			if err != nil {
				r.Made = nil
				break
			}
			r.Made = append(r.Made, made)
			if other, differs := ours(t.source, value); differs && other != made {
				index, _ := json.Marshal(i)
				r.Ours[string(index)] = other
			}
		}
		rows = append(rows, r)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	out.SetIndent("", " ")
	if err := out.Encode(map[string]any{"values": values, "rows": rows}); err != nil {
		panic(err)
	}
}
