package cql2

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind uint8

const (
	end kind = iota
	word
	quoted   // identifier in double quotes
	text     // literal in single quotes
	number   // without sign
	operator // = <> < <= > >=
	sign     // + - * / % ^
	punct    // ( ) ,
	broken
)

// token is one word of the text, from byte at to byte to. text is a literal's or
// quoted identifier's content, all else as written; of a broken token it is what
// is wrong.
type token struct {
	kind   kind
	at, to int
	text   string
}

// is tells whether the token is a keyword, whatever its letter case.
func (t token) is(keyword string) bool { return t.kind == word && strings.EqualFold(t.text, keyword) }

func (t token) String() string {
	switch t.kind {
	case end:
		return "the end"
	case text:
		return "'" + shorten(t.text) + "'"
	}
	return shorten(t.text)
}

// shorten cuts what a message cites.
func shorten(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	s = s[:most]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "…"
}

// lex reads the token that follows byte i of valid UTF-8.
func lex(s string, i int) token {
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !unicode.IsSpace(r) {
			break
		}
		i += n
	}
	if i == len(s) {
		return token{kind: end, at: i, to: i}
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	one := func(k kind, n int) token { return token{k, i, i + n, s[i : i+n]} }
	switch {
	case r == '\'':
		return lexText(s, i)
	case r == '"':
		return lexQuoted(s, i)
	case r == '<' && strings.HasPrefix(s[i+1:], ">"), (r == '<' || r == '>') && strings.HasPrefix(s[i+1:], "="):
		return one(operator, 2)
	case r == '<' || r == '>' || r == '=':
		return one(operator, 1)
	case r == '(' || r == ')' || r == ',':
		return one(punct, 1)
	case strings.ContainsRune("+-*/%^", r):
		return one(sign, 1)
	case r == '.' || isDigit(r):
		return lexNumber(s, i)
	case isWordStart(r):
		j := i + n
		for j < len(s) {
			r, n := utf8.DecodeRuneInString(s[j:])
			if !isWordPart(r) {
				break
			}
			j += n
		}
		return one(word, j-i)
	}
	return token{broken, i, i + n, "a character that begins nothing of the language; put property names with such characters in double quotes"}
}

func lexText(s string, i int) token {
	var b strings.Builder
	for j := i + 1; j < len(s); {
		run := j
		for j < len(s) && s[j] == '\\' {
			j++
		}
		if j == len(s) || s[j] != '\'' {
			if j == run {
				j++
			}
			b.WriteString(s[run:j])
			continue
		}
		// A quote after a run of backslashes, maybe of none.
		b.WriteString(s[run : run+(j-run)/2])
		j++
		switch {
		case (j-1-run)%2 == 1:
			b.WriteByte('\'')
		case j < len(s) && s[j] == '\'':
			b.WriteByte('\'')
			j++
		default:
			return token{text, i, j, b.String()}
		}
	}
	return token{broken, i, len(s), "text whose closing quote ' is missing"}
}

func lexQuoted(s string, i int) token {
	var b strings.Builder
	for j := i + 1; j < len(s); j++ {
		if s[j] == '"' {
			if j+1 == len(s) || s[j+1] != '"' {
				return token{quoted, i, j + 1, b.String()}
			}
			j++
		}
		b.WriteByte(s[j])
	}
	return token{broken, i, len(s), `an identifier whose closing quote " is missing`}
}

func lexNumber(s string, i int) token {
	j := i
	digits := func() (n int) {
		for ; j < len(s) && isDigit(rune(s[j])); j++ {
			n++
		}
		return n
	}
	n := digits()
	if j < len(s) && s[j] == '.' {
		j++
		n += digits()
	}
	if n > 0 && j < len(s) && (s[j] == 'e' || s[j] == 'E') {
		j++
		if j < len(s) && (s[j] == '+' || s[j] == '-') {
			j++
		}
		n = digits()
	}
	r, _ := utf8.DecodeRuneInString(s[j:])
	if n == 0 || j < len(s) && isWordPart(r) {
		return token{broken, i, j, "a number that is not written as 12, 1.5 or 1.5e3"}
	}
	return token{number, i, j, s[i:j]}
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

// isWordStart is identifierStart of the standard's grammar.
func isWordStart(r rune) bool {
	switch {
	case r < 0x80:
		return r == ':' || r == '_' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
	case unicode.IsSpace(r):
		return false
	}
	return r >= 0xc0 && r != 0xd7 && r != 0xf7 && r <= 0x2ff || r >= 0x370 && r != 0x37e && r <= 0x1ffe ||
		r == 0x200c || r == 0x200d || r >= 0x2070 && r <= 0x218f || r >= 0x2c00 && r <= 0x2fef || r >= 0x3001 && r <= 0xd7ff ||
		r >= 0xf900 && r <= 0xfdcf || r >= 0xfdf0 && r <= 0xfffd || r >= 0x10000 && r <= 0xeffff
}

func isWordPart(r rune) bool {
	return isWordStart(r) || r == '.' || isDigit(r) || r >= 0x300 && r <= 0x36f || r == 0x203f || r == 0x2040
}
