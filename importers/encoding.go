package importers

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"

	"twind/layers"
)

// Encoding is a way to write text as bytes.
type Encoding struct {
	Name    string
	Charset encoding.Encoding
}

// UTF8 is the encoding that needs no decoding.
var UTF8 = Encoding{"UTF-8", unicode.UTF8}

// GB18030 contains GBK and GB 2312.
var GB18030 = Encoding{"GB18030", simplifiedchinese.GB18030}

// encodings by the names that people, .cpg files and code pages use, in lower
// case and without marks; see key.
var encodings = map[string]Encoding{
	"utf8": UTF8, "65001": UTF8, "cp65001": UTF8, "ansi65001": UTF8, "unicode11utf8": UTF8, "unicode20utf8": UTF8, "ascii": UTF8, "usascii": UTF8, "20127": UTF8,
	"gb18030": GB18030, "gbk": GB18030, "gb2312": GB18030, "gb": GB18030, "euccn": GB18030, "936": GB18030, "cp936": GB18030, "ansi936": GB18030, "oem936": GB18030, "ms936": GB18030, "windows936": GB18030, "54936": GB18030, "cp54936": GB18030, "hzgb2312": {"HZ-GB-2312", simplifiedchinese.HZGB2312},
	"big5": {"Big5", traditionalchinese.Big5}, "950": {"Big5", traditionalchinese.Big5}, "big5hkscs": {"Big5", traditionalchinese.Big5},
	"932": {"Shift_JIS", japanese.ShiftJIS}, "shiftjis": {"Shift_JIS", japanese.ShiftJIS}, "sjis": {"Shift_JIS", japanese.ShiftJIS}, "ms932": {"Shift_JIS", japanese.ShiftJIS}, "eucjp": {"EUC-JP", japanese.EUCJP},
	"949": {"EUC-KR", korean.EUCKR}, "euckr": {"EUC-KR", korean.EUCKR},
	"437": {"CP437", charmap.CodePage437}, "850": {"CP850", charmap.CodePage850}, "852": {"CP852", charmap.CodePage852}, "855": {"CP855", charmap.CodePage855},
	"858": {"CP858", charmap.CodePage858}, "860": {"CP860", charmap.CodePage860}, "862": {"CP862", charmap.CodePage862}, "863": {"CP863", charmap.CodePage863}, "865": {"CP865", charmap.CodePage865}, "866": {"CP866", charmap.CodePage866},
	"874": {"Windows-874", charmap.Windows874}, "1250": {"Windows-1250", charmap.Windows1250}, "1251": {"Windows-1251", charmap.Windows1251}, "1252": {"Windows-1252", charmap.Windows1252}, "1253": {"Windows-1253", charmap.Windows1253},
	"1254": {"Windows-1254", charmap.Windows1254}, "1255": {"Windows-1255", charmap.Windows1255}, "1256": {"Windows-1256", charmap.Windows1256}, "1257": {"Windows-1257", charmap.Windows1257}, "1258": {"Windows-1258", charmap.Windows1258},
	"88591": {"ISO-8859-1", charmap.ISO8859_1}, "latin1": {"ISO-8859-1", charmap.ISO8859_1}, "88592": {"ISO-8859-2", charmap.ISO8859_2}, "latin2": {"ISO-8859-2", charmap.ISO8859_2}, "88593": {"ISO-8859-3", charmap.ISO8859_3}, "88594": {"ISO-8859-4", charmap.ISO8859_4},
	"88595": {"ISO-8859-5", charmap.ISO8859_5}, "88596": {"ISO-8859-6", charmap.ISO8859_6}, "88597": {"ISO-8859-7", charmap.ISO8859_7}, "88598": {"ISO-8859-8", charmap.ISO8859_8}, "88599": {"ISO-8859-9", charmap.ISO8859_9}, "885910": {"ISO-8859-10", charmap.ISO8859_10},
	"885913": {"ISO-8859-13", charmap.ISO8859_13}, "885914": {"ISO-8859-14", charmap.ISO8859_14}, "885915": {"ISO-8859-15", charmap.ISO8859_15}, "latin9": {"ISO-8859-15", charmap.ISO8859_15}, "885916": {"ISO-8859-16", charmap.ISO8859_16},
	"koi8r": {"KOI8-R", charmap.KOI8R}, "koi8u": {"KOI8-U", charmap.KOI8U},
}

// LookupEncoding finds an encoding by any of its usual names: "GB18030", "GBK",
// "936", "ANSI 936", "cp936", "UTF-8", "65001", "Big5", "ISO-8859-1", "1252" …
// It fails with layers.ErrInvalid.
func LookupEncoding(name string) (Encoding, error) {
	key := strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
	for _, prefix := range []string{"", "iso", "cp", "windows", "ansi", "oem", "ibm", "win", "x", "ms", "codepage"} {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			if e, ok := encodings[rest]; ok {
				return e, nil
			}
		}
	}
	if len(name) > 40 {
		name = name[:40] + "…"
	}
	return Encoding{}, layers.Errorf(layers.ErrInvalid, "encoding %q is unknown; write UTF-8, GB18030, GBK, Big5, Shift_JIS, EUC-KR, ISO-8859-1 … or a code page such as 936", name)
}
