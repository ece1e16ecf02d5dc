{#-
    What `leaves_kept` compares, each as {level, mart, column, path, is_json, landed, landed_exactly, kept} and its number among those
    of its level and of its mart: aggregates over the elements of a level, and over the rows of a mart, that are equal if nothing was
    lost. Of each mart, its number of rows; of a scalar, how often it is not missing; of what a column keeps as JSON, a sum of hashes,
    which is the same for the same values of the same documents.
-#}
{% macro leaf_checks(source_name, levels) %}
    {%- set found, grains = [], {} -%}
    {%- set carried_columns = carried_columns(source_name) -%}
    {%- for carried in carried_columns if carried.form != 'computed' -%}
        {%- for path in carried.paths -%}
            {%- set level = (path ~ '/').rpartition('/*/')[0] ~ '/*' if '/*/' in path ~ '/' else '' -%}
            {%- if level | length >= grains.get(carried.mart, '') | length -%}
                {%- do grains.update({carried.mart: level}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for mart, level in grains.items() -%}
        {%- do found.append({
            'level': level, 'mart': mart, 'column': none, 'path': level, 'landed': 'count(*)', 'landed_exactly': 'count(*)', 'kept': 'count(*)',
            'is_json': false,
        }) -%}
    {%- endfor -%}
    {%- for carried in carried_columns if carried.form in ['value', 'json', 'members'] -%}
        {%- for path in carried.paths -%}
            {%- set level = grains[carried.mart] -%}
            {%- set pointer = path[level | length:] -%}
            {%- if not path.startswith(level) or '/*/' in pointer ~ '/' -%}
                {{ exceptions.raise_compiler_error(
                    "loader/sources/" ~ source_name ~ ".yml: " ~ carried.mart ~ " has one row per " ~ level ~ ", so how often "
                    ~ carried.column ~ " holds " ~ path ~ " cannot be compared: carry it in the mart of its own level, or say "
                    ~ carried.column ~ ": {paths: [" ~ path ~ "], computed: why}"
                ) }}
            {%- endif -%}
            {%- set column = adapter.quote(carried.column) -%}
            {%- if carried.form == 'value' -%}
                {%- set landed = leaf_count(source_name, path, levels[level], pointer, exact=false) -%}
                {%- set landed_exactly = leaf_count(source_name, path, levels[level], pointer, exact=true) -%}
                {%- set kept = 'count(mart.' ~ column ~ ')' -%}
            {%- else -%}
                {%- set member = " -> '" ~ pointer | replace("'", "''") ~ "'" if carried.form == 'members' else '' -%}
                {%- set landed = json_sum(leaf_at(levels[level], pointer), 'element') -%}
                {%- set landed_exactly = landed -%}
                {%- set kept = json_sum('mart.' ~ column ~ member, 'mart') -%}
            {%- endif -%}
            {%- do found.append({
                'level': level, 'mart': carried.mart, 'column': carried.column, 'path': path, 'landed': landed, 'landed_exactly': landed_exactly, 'kept': kept,
                'is_json': carried.form != 'value',
            }) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set by_level, by_mart = {}, {} -%}
    {%- for check in found -%}
        {%- do by_level.setdefault(check.level, []).append(check) -%}
        {%- do by_mart.setdefault(check.mart, []).append(check) -%}
        {%- do check.update({'number_in_level': by_level[check.level] | length, 'number_in_mart': by_mart[check.mart] | length}) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
