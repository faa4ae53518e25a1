//! Reads images, for tests. It checks what gVisor and Linux require of them.

use super::format::BLOCK;
use std::collections::BTreeMap;

/// Reads an image as gVisor does, without its search.
pub(crate) struct Reader(pub(crate) Vec<u8>);

/// An inode that was read.
pub(crate) struct Read {
    pub(crate) number: u64,
    pub(crate) mode: u16,
    pub(crate) owner: (u32, u32),
    pub(crate) mtime: (u64, u32),
    pub(crate) links: u32,
    pub(crate) content: Vec<u8>,
}

impl Reader {
    fn number(&self, offset: usize, length: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes[..length].copy_from_slice(&self.0[offset..offset + length]);
        u64::from_le_bytes(bytes)
    }

    fn u16(&self, offset: usize) -> u16 {
        u16::try_from(self.number(offset, 2)).expect("two bytes")
    }

    fn u32(&self, offset: usize) -> u32 {
        u32::try_from(self.number(offset, 4)).expect("four bytes")
    }

    pub(crate) fn root(&self) -> Read {
        assert_eq!((self.u32(1024), self.0[1024 + 12]), (0xe0f5_e1e2, 12));
        assert_eq!(self.u32(1024 + 80), 0, "no features");
        assert_eq!(self.u32(1024 + 36) as usize * BLOCK, self.0.len());
        self.inode(self.u16(1024 + 14).into())
    }

    fn inode(&self, number: u64) -> Read {
        let at = self.u32(1024 + 40) as usize * BLOCK + usize::try_from(number).expect("a number") * 32;
        let (format, size) = (self.u16(at), usize::try_from(self.number(at + 8, 8)).expect("a size"));
        assert_eq!(self.u16(at + 2), 0, "no attributes");
        let start = self.u32(at + 16) as usize * BLOCK;
        let whole = if format == 5 { size - size % BLOCK } else { size };
        let mut content = if whole > 0 { self.0[start..start + whole].to_vec() } else { Vec::new() };
        if format == 5 {
            assert_eq!(at / BLOCK, (at + 64 + size % BLOCK - 1) / BLOCK, "one block");
            content.extend(&self.0[at + 64..at + 64 + size % BLOCK]);
        }
        Read {
            number,
            mode: self.u16(at + 4),
            owner: (self.u32(at + 24), self.u32(at + 28)),
            mtime: (self.number(at + 32, 8), self.u32(at + 40)),
            links: self.u32(at + 44),
            content,
        }
    }

    /// The names of a folder, checked to be in order, with the numbers of their inodes.
    pub(crate) fn entries(&self, folder: &Read) -> BTreeMap<Vec<u8>, u64> {
        let mut names: Vec<(Vec<u8>, u64)> = Vec::new();
        for block in folder.content.chunks(BLOCK) {
            let u16 = |at: usize| usize::from(u16::from_le_bytes([block[at], block[at + 1]]));
            let count = u16(8) / 12;
            for entry in 0..count {
                let start = u16(entry * 12 + 8);
                let end = if entry + 1 < count { u16(entry * 12 + 20) } else { block.len() };
                let name = block[start..end].split(|byte| *byte == 0).next().expect("a name").to_vec();
                let number =
                    u64::from_le_bytes(block[entry * 12..entry * 12 + 8].try_into().expect("8 bytes"));
                names.push((name, number));
            }
        }
        assert!(names.is_sorted_by(|a, b| a.0 < b.0), "in order");
        names.into_iter().collect()
    }

    pub(crate) fn find(&self, path: &str) -> Read {
        path.split('/').fold(self.root(), |folder, name| {
            self.inode(*self.entries(&folder).get(name.as_bytes()).unwrap_or_else(|| panic!("{path}")))
        })
    }

    /// Each path in order, with `/` after a folder and the target after a link.
    pub(crate) fn list(&self) -> Vec<String> {
        let (mut list, mut folders) = (Vec::new(), vec![(String::new(), self.root())]);
        while let Some((path, folder)) = folders.pop() {
            for (name, number) in
                self.entries(&folder).into_iter().filter(|(name, _)| name != b"." && name != b"..")
            {
                let (inode, name) = (self.inode(number), format!("{path}{}", String::from_utf8_lossy(&name)));
                match inode.mode & 0o170_000 {
                    0o040_000 => {
                        list.push(format!("{name}/"));
                        folders.push((format!("{name}/"), inode));
                    }
                    0o120_000 => list.push(format!("{name} -> {}", String::from_utf8_lossy(&inode.content))),
                    _ => list.push(name),
                }
            }
        }
        list.sort();
        list
    }
}
