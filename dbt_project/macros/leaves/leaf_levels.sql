{#-
    What a source's declaration knows of its documents: path → level, beginning with the documents themselves (the empty path). Each
    further level is the elements of an array, or the members of a map, such as `/grades/*`. A level has

    - `parent` and `pointer`: the path of the level above, and where in its elements the array or map is,
    - `kind`: `array`, `map`, or `set` if no mart numbers the elements, so that equal ones count once,
    - `objects`: pointer → the names of the members that are known,
    - `columns`: pointer → column of `level_rows` for the objects,
    - `collections`: pointer → path of the levels below,
    - `values`: the paths of the scalars that columns hold.
-#}
{% macro leaf_levels(source_name) %}
    {%- set kinds, values, paths = {}, [], [] -%}
    {%- set whole = source_declaration(source_name).get('left_out', {}) | list -%}
    {%- for carried in carried_columns(source_name) -%}
        {%- if carried.form in ['number', 'name'] -%}
            {%- do kinds.update({carried.paths[0]: 'array' if carried.form == 'number' else 'map'}) -%}
        {%- else -%}
            {%- do (values if carried.form == 'value' else whole).extend(carried.paths) -%}
        {%- endif -%}
        {%- do paths.extend(carried.paths) -%}
    {%- endfor -%}
    {%- set levels = {'': {
        'kind': 'document', 'objects': {}, 'columns': {}, 'collections': {}, 'values': values,
    }} -%}
    {%- for path in (paths + whole) | unique(case_sensitive=true) | sort(case_sensitive=true) -%}
        {%- set here = namespace(level='', pointer='', is_whole=false) -%}
        {%- for name in path.split('/')[1:] -%}
            {%- set at = here.level ~ here.pointer -%}
            {%- set here.is_whole = here.is_whole or at in whole -%}
            {%- if name == '*' -%}
                {%- set below = at ~ '/*' -%}
                {%- if below not in levels -%}
                    {%- do levels.update({below: {
                        'parent': here.level, 'pointer': here.pointer, 'kind': kinds.get(below, 'set'),
                        'objects': {}, 'columns': {}, 'collections': {}, 'values': values,
                    }}) -%}
                {%- endif -%}
                {%- do levels[here.level].collections.update({here.pointer: below}) if not here.is_whole -%}
                {%- set here.level, here.pointer = below, '' -%}
            {%- else -%}
                {%- if not here.is_whole -%}
                    {%- do levels[here.level].objects.setdefault(here.pointer, []).append(
                        unescaped_name(name)
                    ) -%}
                {%- endif -%}
                {%- if here.pointer -%}
                    {%- set columns = levels[here.level].columns -%}
                    {%- do columns.setdefault(here.pointer, 'object_' ~ (columns | length + 1)) -%}
                {%- endif -%}
                {%- set here.pointer = here.pointer ~ '/' ~ name -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(levels) }}
{% endmacro %}
