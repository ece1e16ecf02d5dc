{#-
    The `error_if` of a check that compares several documents: one wrong document does not stop a run, many do. The
    check returns each failing row with `rows_checked`, the number of all rows that it looked at.
-#}
{% macro more_than_tolerated() -%}
    > {{ var('tolerated_share') }} * coalesce(max(rows_checked), 0)
{%- endmacro %}
