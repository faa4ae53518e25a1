//! The files of an image without their contents: what the layers make, one after another.

use std::collections::{BTreeMap, BTreeSet};

/// The number of an inode in its tree.
pub(crate) type InodeId = usize;

/// Permissions that are kept: setuid and setgid have no place in a sandbox.
const KEPT_MODE: u16 = 0o1777;

/// Owner, mode and time of an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) mode: u16,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Seconds since 1970, and nanoseconds.
    pub(crate) mtime: (u64, u32),
}

impl Metadata {
    /// That of a folder that an archive implies, as container runtimes create it.
    pub(crate) const IMPLIED: Self = Self { mode: 0o755, uid: 0, gid: 0, mtime: (0, 0) };

    /// Without the bits that are not kept.
    pub(crate) fn new(mode: u32, uid: u32, gid: u32, mtime: (u64, u32)) -> Self {
        let mode = u16::try_from(mode & u32::from(KEPT_MODE)).unwrap_or(KEPT_MODE);
        Self { mode, uid, gid, mtime }
    }
}

/// A kind of file that only its device could open: a sandbox shows it, and no program can open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Special {
    CharacterDevice,
    BlockDevice,
    Fifo,
}

/// The entries of a folder, in the order of their names' bytes.
pub(crate) type Entries = BTreeMap<Box<[u8]>, Entry>;

/// An entry of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) inode: InodeId,
    /// The last layer that created it, changed it or put something below it.
    layer: u32,
}

/// What an inode is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory(Entries),
    /// A file, whose content begins at this block of the image.
    File {
        first_block: u32,
        size: u64,
    },
    Symlink(Box<[u8]>),
    Special(Special),
}

/// A file of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inode {
    pub(crate) kind: Kind,
    pub(crate) metadata: Metadata,
}

/// The files of an image.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Also those that were replaced or removed.
    inodes: Vec<Inode>,
    layer: u32,
    /// Folders in which this layer has left nothing of lower ones.
    opaque: BTreeSet<InodeId>,
}

impl Tree {
    pub(crate) const ROOT: InodeId = 0;

    /// The root alone.
    pub(crate) fn new() -> Self {
        let root = Inode { kind: Kind::Directory(Entries::new()), metadata: Metadata::IMPLIED };
        Self { inodes: vec![root], layer: 0, opaque: BTreeSet::new() }
    }

    /// What follows belongs to the next layer.
    pub(crate) fn next_layer(&mut self) {
        self.layer += 1;
        self.opaque.clear();
    }

    /// The number of inodes that were created.
    pub(crate) fn len(&self) -> usize {
        self.inodes.len()
    }

    pub(crate) fn inode(&self, id: InodeId) -> Option<&Inode> {
        self.inodes.get(id)
    }

    /// The entries of a folder.
    pub(crate) fn entries(&self, id: InodeId) -> Option<&Entries> {
        match self.inodes.get(id).map(|inode| &inode.kind) {
            Some(Kind::Directory(entries)) => Some(entries),
            _ => None,
        }
    }

    fn entries_mut(&mut self, id: InodeId) -> Option<&mut Entries> {
        match self.inodes.get_mut(id).map(|inode| &mut inode.kind) {
            Some(Kind::Directory(entries)) => Some(entries),
            _ => None,
        }
    }

    fn entry(&self, folder: InodeId, name: &[u8]) -> Option<Entry> {
        self.entries(folder)?.get(name).copied()
    }

    /// The inode of a path. Links are not followed.
    pub(crate) fn find(&self, path: &[&[u8]]) -> Option<InodeId> {
        path.iter().try_fold(Self::ROOT, |folder, name| Some(self.entry(folder, name)?.inode))
    }

    /// The folder of a path. What is missing is created, and what is no folder is replaced: a link is not
    /// followed, whoever made it.
    pub(crate) fn require_directory(&mut self, path: &[&[u8]]) -> InodeId {
        path.iter().fold(Self::ROOT, |folder, name| match self.folder(folder, name) {
            Some(id) => {
                self.link(folder, name, id);
                id
            }
            None => self.add(folder, name, Kind::Directory(Entries::new()), Metadata::IMPLIED),
        })
    }

    /// Creates a file in place of what has its name.
    pub(crate) fn add(&mut self, folder: InodeId, name: &[u8], kind: Kind, metadata: Metadata) -> InodeId {
        let id = self.inodes.len();
        self.inodes.push(Inode { kind, metadata });
        self.link(folder, name, id);
        id
    }

    /// Creates a folder; an existing one keeps its entries.
    pub(crate) fn add_directory(&mut self, folder: InodeId, name: &[u8], metadata: Metadata) {
        match self.folder(folder, name) {
            Some(id) => {
                self.set_metadata(id, metadata);
                self.link(folder, name, id);
            }
            None => _ = self.add(folder, name, Kind::Directory(Entries::new()), metadata),
        }
    }

    /// Gives an inode another name.
    pub(crate) fn link(&mut self, folder: InodeId, name: &[u8], inode: InodeId) {
        let entry = Entry { inode, layer: self.layer };
        if let Some(entries) = self.entries_mut(folder) {
            entries.insert(name.into(), entry);
        }
    }

    pub(crate) fn set_metadata(&mut self, id: InodeId, metadata: Metadata) {
        if let Some(inode) = self.inodes.get_mut(id) {
            inode.metadata = metadata;
        }
    }

    /// Removes what lower layers have put under this name.
    pub(crate) fn remove_lower(&mut self, folder: InodeId, name: &[u8]) {
        match self.entry(folder, name) {
            Some(entry) if entry.layer == self.layer => self.make_opaque(entry.inode),
            _ => _ = self.entries_mut(folder).and_then(|entries| entries.remove(name)),
        }
    }

    /// Removes what lower layers have put into a folder.
    pub(crate) fn make_opaque(&mut self, folder: InodeId) {
        let layer = self.layer;
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            // A layer may say so many times of a large folder.
            if self.opaque.contains(&folder) {
                continue;
            }
            let Some(entries) = self.entries_mut(folder) else { continue };
            entries.retain(|_, entry| entry.layer == layer);
            folders.extend(entries.values().map(|entry| entry.inode));
            self.opaque.insert(folder);
        }
    }

    /// The folder of this name.
    fn folder(&self, folder: InodeId, name: &[u8]) -> Option<InodeId> {
        self.entry(folder, name).map(|entry| entry.inode).filter(|id| self.entries(*id).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(tree: &mut Tree, folder: &[&[u8]], name: &str) {
        let folder = tree.require_directory(folder);
        tree.add(folder, name.as_bytes(), Kind::Symlink(b"x".as_slice().into()), Metadata::IMPLIED);
    }

    fn names(tree: &Tree, folder: &[&[u8]]) -> Vec<String> {
        let entries = tree.find(folder).and_then(|id| tree.entries(id)).expect("a folder");
        entries.keys().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }

    /// Two files in each of two nested folders, from a lower layer.
    fn tree() -> Tree {
        let mut tree = Tree::new();
        for (folder, name) in [(&[&b"a"[..]][..], "1"), (&[b"a"], "2"), (&[b"a", b"b"], "3")] {
            link(&mut tree, folder, name);
        }
        tree.next_layer();
        tree
    }

    #[test]
    fn a_whiteout_removes_what_is_of_lower_layers() {
        let mut tree = tree();
        let a = tree.require_directory(&[b"a"]);
        tree.remove_lower(a, b"1");
        tree.remove_lower(a, b"missing");
        link(&mut tree, &[b"a"], "2");
        tree.remove_lower(a, b"2");
        assert_eq!(names(&tree, &[b"a"]), ["2", "b"]);
    }

    #[test]
    fn an_opaque_folder_keeps_what_is_of_its_own_layer() {
        let mut tree = tree();
        link(&mut tree, &[b"a", b"b"], "new");
        let a = tree.require_directory(&[b"a"]);
        tree.make_opaque(a);
        assert_eq!(names(&tree, &[b"a"]), ["b"]);
        assert_eq!(names(&tree, &[b"a", b"b"]), ["new"]);
    }

    #[test]
    fn a_folder_is_emptied_once_in_a_layer() {
        let mut tree = tree();
        let a = tree.require_directory(&[b"a"]);
        tree.make_opaque(a);
        assert!(names(&tree, &[b"a"]).is_empty());
        // No layer can do this: it shows whether the folder is searched again.
        let lower = Entry { inode: a, layer: 0 };
        tree.entries_mut(a).expect("a folder").insert(b"lower".as_slice().into(), lower);
        tree.make_opaque(a);
        tree.remove_lower(Tree::ROOT, b"a");
        assert_eq!(names(&tree, &[b"a"]), ["lower"]);
        tree.next_layer();
        tree.make_opaque(a);
        assert!(names(&tree, &[b"a"]).is_empty());
    }

    #[test]
    fn a_link_in_a_path_is_replaced_and_not_followed() {
        let mut tree = tree();
        link(&mut tree, &[], "lib");
        tree.next_layer();
        link(&mut tree, &[b"lib"], "c");
        assert_eq!(names(&tree, &[b"lib"]), ["c"]);
        assert_eq!(names(&tree, &[]), ["a", "lib"]);
    }

    #[test]
    fn a_folder_in_place_of_a_folder_keeps_its_entries_and_another_file_does_not() {
        let mut tree = tree();
        let metadata = Metadata::new(0o6750, 1, 2, (3, 4));
        tree.add_directory(Tree::ROOT, b"a", metadata);
        assert_eq!(names(&tree, &[b"a"]), ["1", "2", "b"]);
        let a = tree.find(&[b"a"]).and_then(|id| tree.inode(id)).expect("a folder");
        assert_eq!(a.metadata, Metadata { mode: 0o750, uid: 1, gid: 2, mtime: (3, 4) });
        link(&mut tree, &[], "a");
        assert!(tree.find(&[b"a", b"1"]).is_none());
    }
}
