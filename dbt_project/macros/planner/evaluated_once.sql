{#-
    Optimisation fence: a column that stops the planner from inlining this subquery, so expensive expressions run once. Unlike
    `offset 0`, filters are still pushed down. The set is part of an expression on purpose: a bare `generate_series(1, 1)`
    makes PostgreSQL evaluate the other columns a second time to learn that the set has ended.
-#}
{% macro evaluated_once() -%}
    - generate_series(1, 1)
{%- endmacro %}
