/** A DOUBLE constant in the text that `json_serialize_sql` gives. Within a string of it a quote has a backslash. */
const DOUBLE_CONSTANT = doubleConstant('[\\d.eE+-]+');
const INFINITE_CONSTANT = doubleConstant('-?Infinity');

function doubleConstant(value: string): RegExp {
  return new RegExp(
    String.raw`\{"class":"CONSTANT","type":"VALUE_CONSTANT","alias":("(?:[^"\\]|\\.)*"),"query_location":(\d+),"value":\{"type":\{"id":"DOUBLE","type_info":null\},"is_null":false,"value":(${value})\}\}`,
    'g',
  );
}

/** Zeros before the point make DuckDB count more than the 38 digits that a decimal has, and read it as DOUBLE. */
const WIDE_FRACTION = /^0+(\.\d{38})(?![\d.eE_])/;

/**
 * A serialized query whose DOUBLE constants are casts of their text: DuckDB prints 1e0 as `1.0`, which is a DECIMAL when it
 * is parsed again. A fraction of 38 digits, which as DOUBLE would be rounded, is the DECIMAL that was written. The text is
 * changed in place, as JavaScript's JSON would round integers beyond 2^53.
 */
export function withExactConstants(serialized: string, sql: string): string {
  const written = Buffer.from(sql);
  return serialized.replace(DOUBLE_CONSTANT, (_, alias: string, location: string, value: string) => {
    const from = Number(location);
    const fraction = WIDE_FRACTION.exec(written.toString('latin1', from, from + 100));
    return fraction === null
      ? castOf({ alias, location, text: value, type: DOUBLE })
      : castOf({ alias, location, text: fraction[1], type: DECIMAL });
  });
}

/** A serialized query in which infinite constants, such as 1e400, are casts of their text: JSON has no number for them. */
export function withInfiniteConstants(serialized: string): string {
  return serialized.replace(INFINITE_CONSTANT, (_, alias: string, location: string, value: string) =>
    castOf({ alias, location, text: value, type: DOUBLE }),
  );
}

interface TextCast {
  /** As JSON text. */
  readonly alias: string;
  readonly location: string;
  readonly text: string;
  /** As JSON text. */
  readonly type: string;
}

function castOf({ alias, location, text, type }: TextCast): string {
  const constant = `{"class":"CONSTANT","type":"VALUE_CONSTANT","alias":"","query_location":${location},"value":{"type":{"id":"VARCHAR","type_info":null},"is_null":false,"value":"${text}"}}`;
  return `{"class":"CAST","type":"OPERATOR_CAST","alias":${alias},"query_location":${location},"child":${constant},"cast_type":${type},"try_cast":false}`;
}

const DOUBLE = '{"id":"DOUBLE","type_info":null}';
const DECIMAL =
  '{"id":"DECIMAL","type_info":{"type":"DECIMAL_TYPE_INFO","alias":"","extension_info":null,"width":38,"scale":38}}';
