//! Named f32 tensors <-> a safetensors file, one tensor at a time, so that memory never holds the file as well.

use std::{
    borrow::Cow,
    collections::HashMap,
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use safetensors::{Dtype, View, serialize_to_file};

use crate::checkpoint::{StoredTensor, read_header};

/// A tensor to write.
pub(super) struct Tensor<'a> {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Returns its values in C order; called when the tensor is written.
    pub values: Box<dyn Fn() -> Cow<'a, [f32]> + 'a>,
}

impl View for &Tensor<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned((self.values)().iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * 4
    }
}

/// Writes a file and waits until it is on disk.
pub(super) fn write(path: &Path, tensors: &[Tensor<'_>]) -> io::Result<()> {
    // transformers refuses files without this entry.
    let about = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let tensors = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor));
    // The crate restricts the file to its owner; this restores the permissions of other new files.
    let permissions = File::create(path)?.metadata()?.permissions();
    serialize_to_file(tensors, Some(about), path).map_err(io::Error::other)?;
    fs::set_permissions(path, permissions)?;
    File::open(path)?.sync_all()
}

/// Reads tensors by name and shape into the given slices.
pub(super) fn read<'a>(path: &Path, wanted: impl Iterator<Item = (String, &'a [usize], &'a mut [f32])>) -> io::Result<()> {
    let mut file = File::open(path)?;
    let tensors = header(&mut file)?;
    for (name, shape, values) in wanted {
        let damaged = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
        let stored = tensors.get(&name).ok_or_else(|| damaged(format!("holds no tensor {name}")))?;
        if stored.shape != shape || stored.dtype != Dtype::F32 || values.len() * 4 != stored.bytes as usize {
            return Err(damaged(format!("{name} has the shape {:?} as {}, not {shape:?} as F32", stored.shape, stored.dtype)));
        }
        file.seek(SeekFrom::Start(stored.offset))?;
        let mut bytes = vec![0; stored.bytes as usize];
        file.read_exact(&mut bytes)?;
        for (value, four) in values.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *value = f32::from_le_bytes(*four);
        }
    }
    Ok(())
}

/// Returns the tensors of the file by name.
fn header(file: &mut File) -> io::Result<HashMap<String, StoredTensor>> {
    let length = file.metadata()?.len();
    let mut start = vec![0; 8];
    file.read_exact(&mut start)?;
    let wanted = u64::from_le_bytes(start[..8].try_into().map_err(io::Error::other)?);
    file.take(wanted.min(length)).read_to_end(&mut start)?;
    let tensors = read_header(&start, length).map_err(io::Error::other)?;
    Ok(tensors.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        const VALUES: [f32; 6] = [0.1, -0.0, f32::MIN_POSITIVE / 2.0, f32::MAX, 3.0, 1e-30];
        let tensor = |name: &str, shape: &[usize], values: &'static [f32]| Tensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            values: Box::new(|| Cow::Borrowed(values)),
        };
        write(&path, &[tensor("b", &[2, 2], &VALUES[..4]), tensor("a", &[2], &VALUES[4..])]).unwrap();
        let plain = folder.path().join("plain");
        fs::write(&plain, "").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions(), fs::metadata(&plain).unwrap().permissions());
        let (mut a, mut b) = ([0.0; 2], [0.0; 4]);
        let mut fetch = |shape: &[usize]| {
            read(&path, [("a".to_owned(), shape, &mut a[..]), ("b".to_owned(), &[2, 2][..], &mut b[..])].into_iter())
        };
        fetch(&[2]).unwrap();
        assert!(fetch(&[1, 2]).unwrap_err().to_string().contains("a has the shape"));
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!((bits(&b), bits(&a)), (bits(&VALUES[..4]), bits(&VALUES[4..])));
    }
}
