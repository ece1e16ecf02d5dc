{#-
    The instant of a local clock time. When clocks go back an hour shows twice, of which PostgreSQL takes the last: the one
    nearest to the expected is meant.
-#}
{% macro local_instant(local, zone, last, expected) -%}
    case
        when {{ expected }} < {{ last }} - interval '30 minutes'
            and ({{ last }} - interval '1 hour') at time zone {{ zone }} = {{ local }}
            then {{ last }} - interval '1 hour'
        else {{ last }}
    end
{%- endmacro %}
