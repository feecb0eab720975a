//! Columns of which few values are different, in Parquet's dictionary encoding. Its own writer looks up each value by a
//! hash that is proof against attack; here texts are codes already, and most numbers are the one before.

use super::rows::Levels;
use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use rustc_hash::FxHashMap;
use std::hash::Hash;

/// The values of one column of a row group.
#[derive(Default)]
pub(super) struct Dictionary {
    /// Those that occur, each once, one after the other in Parquet's plain encoding.
    plain: Vec<u8>,
    count: i32,
    /// Where the value of each row is among them.
    places: Vec<i32>,
}

impl Dictionary {
    pub fn of_texts(codes: &[u16], table: &[impl AsRef<str>]) -> Dictionary {
        let mut made = Dictionary::default();
        let mut texts: Vec<&str> = Vec::new();
        let mut place_of = vec![None; table.len()];
        let places = codes.iter().map(|code| {
            let code = usize::from(*code);
            *place_of[code].get_or_insert_with(|| {
                let text = table[code].as_ref();
                // Steps of two scenarios may have one name.
                let known = texts.iter().position(|known| *known == text).map(|place| place as i32);
                known.unwrap_or_else(|| {
                    texts.push(text);
                    made.plain.extend_from_slice(&(text.len() as u32).to_le_bytes());
                    made.add(text.as_bytes())
                })
            })
        });
        made.places = places.collect();
        made
    }

    pub fn of_numbers<T: Copy + Eq + Hash, const BYTES: usize>(
        values: &[T],
        bytes: impl Fn(T) -> [u8; BYTES],
    ) -> Dictionary {
        let mut made = Dictionary::default();
        let mut known = FxHashMap::default();
        let mut before = None;
        let places = values.iter().map(|value| match before {
            Some((same, place)) if same == *value => place,
            _ => {
                let place = *known.entry(*value).or_insert_with(|| made.add(&bytes(*value)));
                before = Some((*value, place));
                place
            }
        });
        made.places = places.collect();
        made
    }

    fn add(&mut self, value: &[u8]) -> i32 {
        self.plain.extend_from_slice(value);
        self.count += 1;
        self.count - 1
    }

    /// As a column of so many rows: a page of the values that occur, and a page of places. Not compressed, which would
    /// gain little.
    pub fn chunk(self, column: ColumnDescPtr, rows: usize, levels: Levels) -> Result<(Bytes, ColumnCloseResult)> {
        let width = i32::BITS - (self.count - 1).max(0).leading_zeros();
        let mut data = Vec::new();
        for levels in [levels.repetition, levels.definition].into_iter().flatten() {
            let start = data.len();
            data.extend_from_slice(&[0; 4]);
            put_hybrid(levels, 1, &mut data);
            let length = (data.len() - start - 4) as u32;
            data[start..start + 4].copy_from_slice(&length.to_le_bytes());
        }
        data.push(width as u8);
        put_hybrid(&self.places, width, &mut data);

        let values = levels.definition.map_or(self.places.len(), <[i16]>::len);
        let pages = [
            Page::DictionaryPage {
                buf: self.plain.into(),
                num_values: self.count as u32,
                encoding: Encoding::PLAIN,
                is_sorted: false,
            },
            Page::DataPage {
                buf: data.into(),
                num_values: values as u32,
                encoding: Encoding::RLE_DICTIONARY,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            },
        ];
        let mut file = TrackedWrite::new(Vec::new());
        let mut writer = SerializedPageWriter::new(&mut file);
        let mut data_offset = 0;
        for page in pages {
            let length = page.buffer().len();
            data_offset = writer.write_page(CompressedPage::new(page, length))?.offset;
        }
        let chunk = Bytes::from(file.into_inner()?);
        let metadata = ColumnChunkMetaData::builder(column)
            .set_compression(Compression::UNCOMPRESSED)
            .set_encodings(vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY])
            .set_total_compressed_size(chunk.len() as i64)
            .set_total_uncompressed_size(chunk.len() as i64)
            .set_num_values(values as i64)
            .set_dictionary_page_offset(Some(0))
            .set_data_page_offset(data_offset as i64)
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: chunk.len() as u64,
            rows_written: rows as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok((chunk, close))
    }
}

/// Parquet's hybrid of run lengths and packed bits: eight of a kind and more are a run, all else is packed by eights.
fn put_hybrid<T: Copy + Eq + Into<i32>>(values: &[T], width: u32, out: &mut Vec<u8>) {
    /// Values are packed by so many, and fewer of a kind are no run.
    const GROUP: usize = 8;
    let (mut packed, mut at) = (0, 0);
    while at < values.len() {
        let value = values[at];
        let run = values[at..].iter().take_while(|next| **next == value).count();
        let to_fill = (at - packed).next_multiple_of(GROUP) - (at - packed);
        if run >= to_fill + GROUP {
            pack(&values[packed..at + to_fill], width, out);
            put_varint((run - to_fill) << 1, out);
            out.extend_from_slice(&value.into().to_le_bytes()[..width.div_ceil(8) as usize]);
            packed = at + run;
        }
        at += run;
    }
    pack(&values[packed..], width, out);
}

/// Packs values from the lowest bit up, zeros after the last.
fn pack<T: Copy + Into<i32>>(values: &[T], width: u32, out: &mut Vec<u8>) {
    let groups = values.len().div_ceil(8);
    if groups == 0 {
        return;
    }
    put_varint(groups << 1 | 1, out);
    let end = out.len() + groups * width as usize;
    let (mut bits, mut filled) = (0u64, 0);
    for value in values {
        bits |= ((*value).into() as u64) << filled;
        filled += width;
        while filled >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            filled -= 8;
        }
    }
    if filled > 0 {
        out.push(bits as u8);
    }
    out.resize(end, 0);
}

/// Seven bits at a time, the lowest first (ULEB128).
fn put_varint(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::column::reader::get_typed_column_reader;
    use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use proptest::prelude::*;
    use std::sync::Arc;

    /// As Parquet's own reader has them: values and definition levels.
    fn read_back<T: DataType>(field: &str, rows: usize, made: Dictionary, levels: Levels) -> (Vec<T::T>, Vec<i16>) {
        let schema = Arc::new(parse_message_type(&format!("message rows {{ {field} }}")).unwrap());
        let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
        let column = file.schema_descr().column(0);
        let mut group = file.next_row_group().unwrap();
        let (chunk, close) = made.chunk(column, rows, levels).unwrap();
        group.append_column(&chunk, close).unwrap();
        group.close().unwrap();
        let reader = SerializedFileReader::new(Bytes::from(file.into_inner().unwrap())).unwrap();
        let column = reader.get_row_group(0).unwrap().get_column_reader(0).unwrap();
        let (mut values, mut definition) = (Vec::new(), Vec::new());
        let mut column = get_typed_column_reader::<T>(column);
        column.read_records(rows, Some(&mut definition), None, &mut values).unwrap();
        (values, definition)
    }

    fn texts(values: &[ByteArray]) -> Vec<&str> {
        values.iter().map(|text| text.as_utf8().unwrap()).collect()
    }

    /// Runs long and short, of few and of many codes.
    fn codes() -> impl Strategy<Value = Vec<u16>> {
        let run = |most: u16| prop::collection::vec((0..most, prop_oneof![1..3usize, 1..40usize]), 1..60);
        (1u16..600)
            .prop_flat_map(run)
            .prop_map(|runs| runs.into_iter().flat_map(|(code, times)| std::iter::repeat_n(code, times)).collect())
    }

    fn table() -> Vec<String> {
        // Two of each.
        (0..600).map(|code| format!("text {}", code / 2)).collect()
    }

    proptest! {
        #[test]
        fn texts_come_back(codes in codes()) {
            let table = table();
            let made = Dictionary::of_texts(&codes, &table);
            let field = "required binary text (STRING);";
            let (found, _) = read_back::<ByteArrayType>(field, codes.len(), made, Levels::NONE);
            let expected: Vec<_> = codes.iter().map(|code| &*table[usize::from(*code)]).collect();
            prop_assert_eq!(texts(&found), expected);
        }

        #[test]
        fn texts_that_may_be_missing_come_back(codes in codes(), missing in prop::collection::vec(any::<bool>(), 1..200)) {
            let table = table();
            let levels: Vec<i16> = codes.iter().zip(missing.iter().cycle()).map(|(_, gone)| i16::from(!gone)).collect();
            let there = |at: &usize| levels[*at] == 1;
            let codes: Vec<u16> = (0..codes.len()).filter(there).map(|at| codes[at]).collect();
            let made = Dictionary::of_texts(&codes, &table);
            let field = "optional binary text (STRING);";
            let (found, definition) =
                read_back::<ByteArrayType>(field, levels.len(), made, Levels::optional(&levels));
            let expected: Vec<_> = codes.iter().map(|code| &*table[usize::from(*code)]).collect();
            prop_assert_eq!(texts(&found), expected);
            prop_assert_eq!(definition, levels);
        }

        #[test]
        fn numbers_come_back(codes in codes()) {
            let values: Vec<i64> = codes.iter().map(|code| i64::from(*code) * -0x0123_4567_89ab).collect();
            let made = Dictionary::of_numbers(&values, i64::to_le_bytes);
            let field = "required int64 number;";
            let (found, _) = read_back::<Int64Type>(field, values.len(), made, Levels::NONE);
            prop_assert_eq!(found, values);
        }
    }
}
