{#- waybill: sample -#}
{#-
    A contradiction: the reason why an actual clock time cannot be the scheduled one plus the delay, or null. The time zone is
    not known here, so clocks may have changed in between, by half an hour, an hour or two hours:
    `assert_departures_are_scheduled_plus_delay` and its sibling check that with the zone. The difference is taken around the
    clock, from -720 to 719 minutes.
-#}
{% macro clock_contradiction(actual, scheduled, delay) -%}
    case
        when abs(
            (
                {{ actual }} / 100 * 60 + {{ actual }} % 100
                - {{ scheduled }} / 100 * 60 - {{ scheduled }} % 100
                - {{ delay }} % 1440
                + 3 * 1440 + 720
            ) % 1440 - 720
        ) not in (0, 30, 60, 120)
            then '{{ actual }}: ' || {{ actual }} || ' is not ' || {{ scheduled }} || ' plus ' || {{ delay }} || ' minutes'
    end
{%- endmacro %}
