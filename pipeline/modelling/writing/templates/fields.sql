{% set fields = {
[% for column in fields %]
    [[ column.name|literal ]]: [[ column.pointer|literal ]],
[% endfor %]
} %}
[% if types %]
{%- set types = {
[% for name, type in types %]
    [[ name|literal ]]: [[ type|literal ]],
[% endfor %]
} %}
[% else %]
{%- set types = {} %}
[% endif %]
[% if others %]
{%- set others = [
[% for pointer in others %]
    [[ pointer|literal ]],
[% endfor %]
] %}
[% endif %]
