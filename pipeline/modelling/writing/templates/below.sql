[% if arrays %]
            arrays=[[ arrays|literals ]],
[% endif %]
[% if maps %]
            maps=[[ maps|literals ]],
[% endif %]
[% if others %]
            others=others,
[% endif %]
