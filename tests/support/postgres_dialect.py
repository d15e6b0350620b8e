"""The SQL of the project for Postgres: sqlglot's translation, and what it leaves to do.

What is missing is of two kinds, both listed here: functions that Postgres lacks or that differ
there, and expressions that it has no word for.
"""

from collections.abc import Callable

import sqlglot
from sqlglot import exp

FUNCTIONS = """
-- before Postgres' own functions
create schema duckdb;
set search_path = duckdb, pg_catalog;

-- the lowest 64 of its 128 bits, of which a draw takes 52
create function md5_number(text) returns bigint immutable language sql return (
    select bit_or(get_byte(decode(md5($1), 'hex'), place)::bigint << (8 * place))
    from generate_series(0, 7) as place
);

create function date_from_parts(integer, integer, integer) returns date
immutable language sql return make_date($1, $2, $3);

create function to_years(integer) returns interval
immutable language sql return make_interval(years => $1);

create function length(anyarray) returns integer
immutable language sql as 'select cardinality($1)';

create function list_position(anycompatiblearray, anycompatible) returns integer
immutable language sql as 'select array_position($1, $2)';

-- Postgres rounds decimals to digits, and doubles only to a whole even number.
create function round(double precision, integer) returns double precision
immutable language sql return
    sign($1) * (
        trunc(abs($1) * power(10::double precision, $2))
        + (abs($1) * power(10::double precision, $2)
        - trunc(abs($1) * power(10::double precision, $2)) >= 0.5)::integer
    ) / power(10::double precision, $2);

-- Postgres refuses what is too small for a double; it is 0.
create function exp(double precision) returns double precision
immutable language sql return case when $1 < -745.13 then 0 else pg_catalog.exp($1) end;

create function number_of(boolean) returns double precision
immutable language sql return $1::integer;
create cast (boolean as double precision) with function number_of(boolean);

create function error(reason text) returns boolean language plpgsql as $$
begin
    raise exception '%', reason;
end
$$;

-- %d, and %06d with so many digits or more
create function printf(pattern text, variadic numbers bigint[]) returns text
immutable language plpgsql as $$
declare
    number bigint;
    digits integer;
begin
    foreach number in array numbers loop
        digits := coalesce(substring(pattern from '%(?:0(\\d+))?d')::integer, 0);
        pattern := regexp_replace(
            pattern, '%(0\\d+)?d', lpad(number::text, greatest(digits, length(number::text)), '0')
        );
    end loop;
    return pattern;
end
$$;

-- the same with %s between the numbers
create function printf(pattern text, first bigint, word text, last bigint) returns text
immutable language sql return replace(printf(pattern, first, last), '%s', word);
"""

# Postgres has to be given the columns of a list's rows, here by the name that a lambda has for one.
ROWS = {"cell": "weight double precision, retirement double precision, employees bigint"}


def in_postgres(sql: str) -> list[str]:
    """Return the statements of ``sql``, without those that begin and end a transaction."""
    statements = []
    for parsed in sqlglot.parse(sql, read="duckdb"):
        if parsed is None or isinstance(parsed, (exp.Transaction, exp.Commit)):
            continue
        statements.append(_rewritten(parsed).sql("postgres", comments=False))
    return statements


def _rewritten(parsed: exp.Expr) -> exp.Expr:
    for rewrite in _REWRITES:
        parsed = parsed.transform(rewrite, copy=False)
    return parsed


def _named_subquery(node: exp.Expr) -> exp.Expr:
    """``from (select ...)``: Postgres wants a name for it."""
    if isinstance(node, exp.Subquery) and isinstance(node.parent, exp.From) and not node.alias:
        node.set("alias", exp.TableAlias(this=exp.to_identifier("unnamed")))
    return node


def _qualified(node: exp.Expr) -> exp.Expr:
    """``qualify``: its condition as a column of a subquery."""
    if not isinstance(node, exp.Select) or not node.args.get("qualify"):
        return node
    names = node.named_selects
    condition = node.args.pop("qualify").this
    inner = node.select(exp.alias_(condition, "qualifies"), copy=False)
    return exp.select(*names).from_(inner.subquery("qualified", copy=False)).where("qualifies")


def _whole_division(node: exp.Expr) -> exp.Expr:
    """``//``: Postgres divides whole numbers so by ``/``."""
    if isinstance(node, exp.IntDiv):
        return exp.Div(this=node.this, expression=node.expression, typed=True)
    return node


def _series(node: exp.Expr) -> exp.Expr:
    """``unnest(range(...))``: a series is rows in Postgres, not a list."""
    if isinstance(node, exp.Explode) and isinstance(node.this, exp.GenerateSeries):
        return node.this
    return node


def _nearest_row(node: exp.Expr) -> exp.Expr:
    """``asof left join t on a < t.b``: the row of ``t`` with the smallest such ``b``."""
    if not isinstance(node, exp.Join) or node.method != "ASOF":
        return node
    condition = node.args["on"]
    if not isinstance(condition, exp.LT) or node.side != "LEFT":
        raise NotImplementedError(f"another join by range: {node.sql('duckdb')}")
    nearest = (
        exp.select("*").from_(node.this).where(condition).order_by(condition.expression).limit(1)
    )
    name = exp.TableAlias(this=exp.to_identifier(node.this.alias_or_name))
    return exp.Join(
        this=exp.Lateral(this=exp.Subquery(this=nearest), alias=name),
        side="LEFT",
        on=exp.true(),
    )


def _sum_of_list(node: exp.Expr) -> exp.Expr:
    """``list_sum`` of a list or of ``list_transform(rows, lambda row: ...)``: a subquery."""
    if not _is_call(node, "list_sum"):
        return node
    listed = node.expressions[0]
    if isinstance(listed, exp.Column):
        return exp.maybe_parse(
            f"(select sum(number) from unnest({listed.sql('postgres')}) as number)",
            dialect="postgres",
        )
    row = listed.expression.expressions[0].name
    return exp.maybe_parse(
        f"(select sum({listed.expression.this.sql('postgres')}) "
        f"from unnest({listed.this.sql('postgres')}) as {row}({ROWS[row]}))",
        dialect="postgres",
    )


def _loop(node: exp.Expr) -> exp.Expr:
    """``list_reduce(steps, lambda value, step: ..., first)``: a recursive query, a row a step."""
    if not _is_call(node, "list_reduce"):
        return node
    steps, loop, first = node.expressions
    value = loop.expressions[0].name
    last = steps.this.args["end"].sql("postgres")
    return exp.maybe_parse(
        f"(with recursive looped(step, {value}) as ("
        f"select 0, {first.sql('postgres')} union all "
        f"select step + 1, {loop.this.sql('postgres')} from looped where step < {last}"
        f") select {value} from looped where step = {last})",
        dialect="postgres",
    )


def _is_call(node: exp.Expr, function: str) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.lower() == function


# a loop is written with the sums that are in it
_REWRITES: tuple[Callable[[exp.Expr], exp.Expr], ...] = (
    _named_subquery,
    _qualified,
    _whole_division,
    _series,
    _nearest_row,
    _sum_of_list,
    _loop,
)
