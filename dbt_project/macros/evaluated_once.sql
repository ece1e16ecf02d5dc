{#-
    A column, given a name nobody reads, that keeps the planner from working out the others again wherever they are used.
    A set of one row does; unlike `offset 0` it lets a filter on the others through to the table. It stands inside an
    expression: beside a bare set the others are worked out twice, once more to learn that the set has ended.
-#}
{% macro evaluated_once() -%}
    - generate_series(1, 1)
{%- endmacro %}
