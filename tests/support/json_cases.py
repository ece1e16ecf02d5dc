"""Texts at and beyond the edges of JSON, made from the grammar of RFC 8259 and the encodings of UTF-8."""

from __future__ import annotations

from collections.abc import Iterator

NUMBERS = """
    0 -0 1 -1 10 0.5 -0.25 1.0 123.4560 1e5 1E5 1e+5 1e-5 -0e-0 0e1 0E+0 1.5e3 9007199254740993 1e308 1e309 -1e309
    5e-324 1e-400 18446744073709551616 -9223372036854775809 1e1000 1e131071 1e131072 1e400000 -1e400000 1e-16383
    1e-16384 1e-400000 1e9999999999999999999 -1e9999999999999999999 1e-9999999999999999999 0e9999999999999999999
    0.1e1 1E-0 20e0 0.00000000000000000001
    +1 01 -01 00 1. .5 -.5 1.e5 1e 1e+ 1e- 1e1.5 1ee2 1e--1 1.2.3 -- ++1 --1 - + . e 0x1F 0b1 0o7 1_000 1a -a 1/2 $1 1f
    1l 0.e1 -0.e 1e１ １ ٣ ½ ∞ Infinity -Infinity +Infinity inf -inf NaN -NaN nan 1.#INF 1#QNAN -01.5 0e+-1 9.e+ 2.e-3
    1,000
"""
WORDS = """
    true false null
    True TRUE tru t truee False fals null0 nul NULL None nil undefined yes @ * & ; : , ` a abc a" 'a' “a” \\n <null> (1)
    #1 //1 /**/1
"""
STRUCTURES = """
    [] {} [[]] [{}] {"":0} {"a":1,"a":2} {"a":{"a":{"a":[]}}} [1,[2,[3]]] [null,true,false] {"a":"b","c":null} [""]
    [,] [1,] [,1] [1,,2] [1;2] [1:2] [ ] ]] [[] [[]]] [1 {"a":1 {"a" {"a":} {"a":1,} {"a":1,,"b":2} {,} {,"a":1} {a:1}
    {'a':1} {"a"1} {"a"::1} {"a":1:2} {"a","b"} {1:1} {null:1} {[]:1} {"a":1;"b":2} {"a":1"b":2} {"a":[} {"a":]} [} {]
    }{ ][ {"a":1}} []x {}x ""x 1] {"a":1}# {"a":1}// {"a":/**/1} [1,#2] []{} {}{} "a""b" [][] {"a":tru} [nul] ["a] ["a
    ["a",\\n] [\\u0020] {"a":1,"a"} [1e] ["\\"] {"\\":1} [.] [+] <> {{}} {"a":a} ["] {"b"::} [*] [@] [$] ["a":1]
    {"a":"b":"c"}
"""
STRINGS = """
    a \\u0041 \\u00e9 \\uFFFF \\uFFFE \\uFDD0 \\u2028 \\u200b \\ud83d\\ude00 \\uDBFF\\uDFFF \\ud800\\udc00 \\u005c\\u0022
    \\u0000 a\\u0000b \\ud800 \\udc00 \\ud83d\\ud83d \\ude00\\ud83d \\ud83d\\u0041 \\ud83dx \\uD800\\n \\\\u0000 \\\\ud800
    \\u \\u0 \\u00 \\u000 \\u00g0 \\uG000 \\u-001 \\u+041 \\u{41} \\U00000041 \\x41 \\101 \\ud83d\\u \\ud83d\\ude0 \\\\\\ \\
"""
NO_UTF8 = """
    80 bf c0 c080 c1bf c3 c328 c3c3a9 e0 e08080 e09fbf e2 e282 e28228 eda080 edbfbf eda0bdedb880 f0 f0808080 f08fbfbf
    f09f98 f4908080 f5808080 f8888080 fc8480808080 fe ff fffe feff e9 fc61 6180
"""
ESCAPES = [f"\\{chr(code)}" for code in range(0x21, 0x7F)]
CHARACTERS = [
    0x7F,
    0x80,
    0xE9,
    0x7FF,
    0x800,
    0x2028,
    0x2029,
    0xFDD0,
    0xFEFF,
    0xFFFD,
    0xFFFF,
    0x10000,
    0x1F600,
    0x10FFFF,
]
CONTROLS = [bytes([code]) for code in range(0x20)]
BLANKS = [
    "\t",
    "\r",
    "\n",
    " \t\r\n ",
    "\x0b",
    "\x0c",
    "\x85",
    "\xa0",
    "\u2003",
    "\u2028",
    "\u2060",
    "\u3000",
    "\ufeff",
]
DEEP = [b"[" * 500 + b"]" * 500, b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000]
LONG = [b"1" * 5_000, b"0." + b"1" * 20_000, b'"' + b"x" * 100_000 + b'"']
AROUND = [b"%s", b"[%s]", b'{"k":%s}', b'[0,{"k":[%s,1]}]']


def fragments() -> Iterator[bytes]:
    """Yield JSON values and texts that only look like values, each once."""
    broken = [bytes.fromhex(text) for text in NO_UTF8.split()] + CONTROLS
    inside = [text.encode() for text in [*ESCAPES, *STRINGS.split(), *map(chr, CHARACTERS)]] + broken
    made = [text.encode() for text in [*NUMBERS.split(), *WORDS.split(), *STRUCTURES.split()]]
    made += [b'"' + raw + b'"' for raw in inside] + [b'{"' + raw + b'":1}' for raw in inside] + broken
    made += [text.encode() for blank in BLANKS for text in (f"[1{blank},2]", f"{blank}1")]
    made += ['{"a":1}'.encode(codec) for codec in ("utf-16", "utf-16-le", "utf-16-be", "utf-32")]
    yield from dict.fromkeys([*made, *DEEP, *LONG, b'["""",]', b""])


def texts() -> Iterator[bytes]:
    """Yield every fragment alone, in an array, as a member and deeper, each text once."""
    yield from dict.fromkeys(around.replace(b"%s", fragment) for fragment in fragments() for around in AROUND)
