//! Bytes of a GGUF file -> numbers and texts. Every length is compared with the rest of the file before anything is allocated.

use std::{
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use super::{GgufError, MAX_TEXT};

/// Forward reader of a file.
pub struct Source<'a, R> {
    file: &'a Path,
    reader: BufReader<R>,
    /// Bytes read or skipped so far.
    pub at: u64,
    /// The file's length in bytes.
    pub len: u64,
}

impl<'a, R: Read + Seek> Source<'a, R> {
    /// Returns a reader at the start of `source`; `file` is its name in errors.
    pub fn new(file: &'a Path, mut source: R) -> Result<Self, GgufError> {
        let len = source.seek(SeekFrom::End(0)).and_then(|len| source.rewind().map(|()| len));
        let len = len.map_err(|source| GgufError::Io { file: file.to_owned(), source })?;
        Ok(Source { file, reader: BufReader::with_capacity(1 << 16, source), at: 0, len })
    }

    /// Reads the next `N` bytes.
    pub fn take<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads the next little-endian number of 4 bytes.
    pub fn u32(&mut self) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    /// Reads the next little-endian number of 8 bytes.
    pub fn u64(&mut self) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.take()?))
    }

    /// Reads a number of items, at most `limit`, each of which takes at least `least` bytes.
    pub fn count(&mut self, limit: u64, least: u64) -> Result<u64, GgufError> {
        let count = self.u64()?;
        if count > limit.min((self.len - self.at) / least) {
            return Err(self.damaged(format!("{count} elements are more than can be there")));
        }
        Ok(count)
    }

    /// Reads the next text of at most `limit` bytes.
    pub fn text(&mut self, limit: u64) -> Result<String, GgufError> {
        let mut bytes = Vec::new();
        self.text_bytes(limit, &mut bytes)?;
        String::from_utf8(bytes).map_err(|_| self.damaged("a text is not UTF-8".to_owned()))
    }

    /// Reads the next `count` texts, which need not be UTF-8, one after the other.
    pub fn texts(&mut self, count: u64, mut visit: impl FnMut(u64, &[u8])) -> Result<(), GgufError> {
        let mut bytes = Vec::new();
        for index in 0..count {
            self.text_bytes(MAX_TEXT, &mut bytes)?;
            visit(index, &bytes);
        }
        Ok(())
    }

    fn text_bytes(&mut self, limit: u64, into: &mut Vec<u8>) -> Result<(), GgufError> {
        let len = self.count(limit, 1)?;
        into.clear();
        into.resize(len as usize, 0);
        self.fill(into)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), GgufError> {
        let wanted = bytes.len() as u64;
        if wanted > self.len - self.at {
            return Err(self.damaged("the file ends here".to_owned()));
        }
        self.reader.read_exact(bytes).map_err(|source| self.io(source))?;
        self.at += wanted;
        Ok(())
    }

    /// Skips `count` bytes.
    pub fn skip(&mut self, count: u64) -> Result<(), GgufError> {
        if count > self.len - self.at {
            return Err(self.damaged("the file ends here".to_owned()));
        }
        self.at += count;
        // `count` is less than the file's length, which fits into an i64.
        self.reader.seek_relative(count as i64).map_err(|source| self.io(source))
    }

    fn io(&self, source: io::Error) -> GgufError {
        GgufError::Io { file: self.file.to_owned(), source }
    }
}

impl<R> Source<'_, R> {
    /// Returns the error that `what` is wrong at this place.
    pub fn damaged(&self, what: String) -> GgufError {
        GgufError::Damaged { file: self.file.to_owned(), offset: self.at, what }
    }
}
