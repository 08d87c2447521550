"""Makes the tables of source.rs, the same one in each format: python make.py, with numpy, pandas, pyarrow, safetensors."""

import datetime
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save_file

columns = {
    "x": [1.5, None, -2.25e-3, 1e300, 0.0],
    "count": [3, 1, 4, 1, 5],
    "name": ["red", "green", None, "red", "blue, or so"],
    "flag": [True, False, False, True, True],
    "other": [float("nan"), 1.0, 2.0, 3.0, 4.0],
}
rows = [dict(zip(columns, values)) for values in zip(*columns.values())]


def cell(value, separator):
    if value is None:
        return ""
    text = str(int(value) if isinstance(value, bool) else value)
    return f'"{text}"' if separator in text else text


for file, separator in (("table.csv", ","), ("table.tsv", "\t")):
    with open(file, "w") as out:
        print(separator.join(columns), file=out)
        for row in rows:
            print(separator.join(cell(value, separator) for value in row.values()), file=out)

plain = [{name: None if value != value else value for name, value in row.items()} for row in rows]
json.dump(plain, open("table.json", "w"))
json.dump({name: [row[name] for row in plain] for name in columns}, open("columns.json", "w"))
with open("table.jsonl", "w") as out:
    for row in plain:
        print(json.dumps(row), file=out)

table = pa.table(columns)
for name, compression in [("plain", "none"), *((name, name) for name in ("snappy", "gzip", "zstd", "lz4", "brotli"))]:
    pq.write_table(table, f"{name}.parquet", compression=compression, use_dictionary=False, row_group_size=2)
pq.write_table(table, "dictionary.parquet", use_dictionary=True, data_page_version="2.0")
nested = pa.table({"x": [1.0], "list": [[1.0, 2.0]], "day": [datetime.date(2020, 1, 1)]})
pq.write_table(nested, "nested.parquet")

matrix = np.arange(12.0).reshape(4, 3)
np.save("matrix.npy", matrix)
np.save("matrix-columns-first.npy", np.asfortranarray(matrix))
np.save("matrix-f32.npy", matrix.astype("f4"))
np.save("matrix-f16.npy", matrix.astype("f2"))
np.save("matrix-i8-big-endian.npy", matrix.astype(">i8"))
np.save("three-axes.npy", np.zeros((2, 2, 2)))
labels = np.array([2, 0, 1, 2])
np.savez("arrays.npz", m=matrix, y=labels)
save_file({"m": matrix, "y": labels}, "arrays.safetensors")
