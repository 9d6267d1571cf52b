"""Holds what the manifests of a table state against its Parquet files themselves, wherever those are."""
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyiceberg.conversions import from_bytes
from pyiceberg.types import BinaryType, PrimitiveType, StringType, TimestamptzType


def file_faults(table):
    """Counts, sizes, bounds and row groups of the newest snapshot: how many files there are, and what is wrong with them."""
    schema = table.schema()
    fields = {field.field_id: field for field in schema.fields if isinstance(field.field_type, PrimitiveType)}
    wrong = []
    files = [task.file for task in table.scan().plan_files()]
    for file in files:
        path = file.file_path
        stored = table.io.new_input(path)
        with stored.open() as source:
            parquet = pq.ParquetFile(source)
            groups = [parquet.metadata.row_group(index) for index in range(parquet.metadata.num_row_groups)]
            columns = parquet.read()
        if file.record_count != parquet.metadata.num_rows or file.file_size_in_bytes != len(stored):
            wrong.append(f"{path}: rows or size")
        if list(file.split_offsets or []) != [first_page(group) for group in groups]:
            wrong.append(f"{path}: split offsets {file.split_offsets}")
        by_id = {int(field.metadata[b"PARQUET:field_id"]): column for field, column in zip(columns.schema, columns.columns)}
        missing = {field_id for field_id in by_id if field_id in fields} - set(file.value_counts or {})
        if missing:
            wrong.append(f"{path}: no value counts of {sorted(missing)}")
        for field_id, column in by_id.items():
            if field_id in fields:
                wrong.extend(f"{path}: {fields[field_id].name}: {fault}" for fault in column_faults(file, field_id, fields[field_id].field_type, column))
    return len(files), wrong


def first_page(group):
    column = group.column(0)
    return min(offset for offset in (column.dictionary_page_offset, column.data_page_offset) if offset)


def column_faults(file, field_id, field_type, column):
    if file.value_counts[field_id] != len(column) or file.null_value_counts[field_id] != column.null_count:
        yield "counts"
    values = column.drop_null()
    lower, upper = (bounds.get(field_id) for bounds in (file.lower_bounds or {}, file.upper_bounds or {}))
    if len(values) == 0:
        return
    if lower is None:
        yield "no lower bound"
        return
    least, greatest = least_and_greatest(values, field_type)
    if comparable(from_bytes(field_type, lower), field_type) > least:
        yield "lower bound above a value"
    if upper is not None and comparable(from_bytes(field_type, upper), field_type) < greatest:
        yield "upper bound below a value"


def least_and_greatest(values, field_type):
    if isinstance(field_type, TimestamptzType):
        values = values.cast(pa.int64())
    plain = [comparable(value, field_type) for value in pc.unique(values).to_pylist()]
    return min(plain), max(plain)


def comparable(value, field_type):
    """Iceberg orders strings by their UTF-8 bytes."""
    if isinstance(field_type, StringType):
        return value.encode("utf-8", "surrogatepass")
    return bytes(value) if isinstance(field_type, BinaryType) else value
