-- [[ reason ]]

[% if children %]
{{ deduplicated_documents(ref('stg_[[ design.source ]]'), children=[
[% for name in children %]
    ref('[[ name ]]'),
[% endfor %]
]) }}
[% else %]
{{ deduplicated_documents(ref('stg_[[ design.source ]]')) }}
[% endif %]
