use super::part_reader::Damage;
use parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType, DataType};
use parquet::file::reader::RowGroupReader;
use std::ops::Range;

/// Hands out the columns of a row group in their order.
pub(super) struct Columns<'a> {
    pub group: &'a dyn RowGroupReader,
    pub next: usize,
}

impl Columns<'_> {
    pub fn next<T: DataType>(&mut self, name: &'static str) -> Result<Column<T>, Damage> {
        let reader = get_typed_column_reader(self.group.get_column_reader(self.next)?);
        self.next += 1;
        Ok(Column {
            name,
            reader,
            values: Vec::new(),
            definition: Vec::new(),
            repetition: Vec::new(),
            next_value: 0,
            next_level: 0,
        })
    }

    pub fn next_text(&mut self, name: &'static str) -> Result<TextColumn, Damage> {
        Ok(TextColumn { column: self.next(name)?, codes: Vec::new(), met: [const { None }; SLOTS] })
    }
}

/// Some rows of one column.
pub(super) struct Column<T: DataType> {
    name: &'static str,
    reader: ColumnReaderImpl<T>,
    /// The values that are there; `optional` and `next_list` tell whose they are.
    pub values: Vec<T::T>,
    definition: Vec<i16>,
    repetition: Vec<i16>,
    next_value: usize,
    next_level: usize,
}

impl<T: DataType> Column<T> {
    /// Replaces what was loaded by the next `rows` rows.
    pub fn load(&mut self, rows: usize) -> Result<(), Damage> {
        self.values.clear();
        self.definition.clear();
        self.repetition.clear();
        (self.next_value, self.next_level) = (0, 0);
        let (read, ..) =
            self.reader.read_records(rows, Some(&mut self.definition), Some(&mut self.repetition), &mut self.values)?;
        if read == rows { Ok(()) } else { Err(Damage::Short(self.name)) }
    }

    /// Place in `values` of row `at` of an optional column. Rows must be asked for in order, each once.
    fn place(&mut self, at: usize) -> Option<usize> {
        let place = (self.definition[at] == 1).then_some(self.next_value);
        self.next_value += usize::from(place.is_some());
        place
    }

    pub fn optional(&mut self, at: usize) -> Option<T::T> {
        self.place(at).map(|place| self.values[place].clone())
    }

    /// Places in `values` of the next row's list.
    pub fn next_list(&mut self) -> Range<usize> {
        let first = self.next_value;
        loop {
            self.next_value += usize::from(self.definition[self.next_level] == 1);
            self.next_level += 1;
            if self.repetition.get(self.next_level) != Some(&1) {
                return first..self.next_value;
            }
        }
    }
}

/// How many texts of a column are remembered by where they are in memory. A power of two.
const SLOTS: usize = 64;

/// Some rows of a column of texts, as codes.
pub(super) struct TextColumn {
    column: Column<ByteArrayType>,
    pub codes: Vec<u16>,
    /// A row's text is a handle to its entry in the column's dictionary, so equal texts mostly share an address, and
    /// the code can be found without looking at the text. Holding the handle keeps the address from being used again.
    met: [Option<(ByteArray, u16)>; SLOTS],
}

impl TextColumn {
    /// Replaces what was loaded by the next `rows` rows; `code_of` finds the code of a text.
    pub fn load(&mut self, rows: usize, mut code_of: impl FnMut(&[u8]) -> Option<u16>) -> Result<(), Damage> {
        self.column.load(rows)?;
        self.codes.clear();
        for text in &self.column.values {
            let bytes = text.data();
            let slot = (bytes.as_ptr() as usize).wrapping_mul(0x9e37_79b9_7f4a_7c15_u64 as usize) >> (usize::BITS - 6);
            let code = match &self.met[slot] {
                Some((met, code)) if std::ptr::eq(met.data(), bytes) => *code,
                _ => {
                    let code = code_of(bytes).ok_or_else(|| Damage::Unknown {
                        what: self.column.name,
                        value: String::from_utf8_lossy(bytes).into_owned(),
                    })?;
                    self.met[slot] = Some((text.clone(), code));
                    code
                }
            };
            self.codes.push(code);
        }
        Ok(())
    }

    /// Code of row `at` of an optional column. Rows must be asked for in order, each once.
    pub fn optional(&mut self, at: usize) -> Option<u16> {
        self.column.place(at).map(|place| self.codes[place])
    }
}
