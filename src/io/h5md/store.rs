//! The file below HDF5: writes that would change what a reader sees are held back until [`Store::commit`] and then
//! made in an order in which every prefix leaves a file that opens.
//!
//! What lies beyond the end of the last commit is not referenced by anything on disk, so it is written at once. Bytes
//! below that end are changed only in a commit: raw data first, then the superblock (which says how long the file is),
//! then chunk indexes from the root downwards, and the object headers, which hold the numbers of rows, last. No index
//! node and no header crosses a page of 4096 bytes and all that changes in one header page is written by one call, and
//! the kernel does not interrupt a write within a page for a signal, not even for SIGKILL.
//!
//! A failed write puts the store in a state in which nothing reaches the disk any more, and HDF5 is told that all is
//! well, so that it can be closed in peace: the file keeps what the last commits wrote.

use crate::io::atomic::describe;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Writes within one such page are not torn by a signal.
pub(super) const PAGE: u64 = 4096;

/// What HDF5 says it stores in a piece of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Numbers.
    Raw,
    /// The first bytes of the file: the end of the used space, the address of the root group.
    Superblock,
    /// Nodes of chunk indexes and of groups, heaps.
    Index,
    /// Object headers: attributes, shapes.
    Header,
}

/// Whether rows are being added or taken away; decides what must be on disk before what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Growing,
    Shrinking,
}

struct Pending {
    kind: Kind,
    address: u64,
    bytes: Vec<u8>,
}

/// A physical change of the file, as recorded for the tests that replay them.
#[cfg(test)]
#[derive(Clone, Debug)]
pub(super) enum Event {
    Write(u64, Vec<u8>),
    Length(u64),
    Barrier,
    /// The writer told its caller that so many frames are safe (and whether against a power cut too).
    Reported {
        frames: usize,
        beads: usize,
        durable: bool,
    },
}

#[cfg(test)]
thread_local! {
    /// Whether stores that this thread opens record what they do.
    pub(super) static RECORDING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// An open file with its uncommitted changes.
pub(super) struct Store {
    file: File,
    /// End of the space that HDF5 has allocated.
    end: u64,
    /// The same at the last commit.
    committed: u64,
    /// Length of the file, and the length that is known to survive a power cut.
    length: u64,
    durable_length: u64,
    /// Free part of the page that object headers are put into.
    headers: std::ops::Range<u64>,
    pending: Vec<Pending>,
    failed: Option<String>,
    #[cfg(test)]
    pub(super) events: Option<Vec<Event>>,
}

impl Store {
    /// A new, empty file.
    pub(super) fn create(path: &Path) -> io::Result<Store> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        Ok(Self::with(file, 0))
    }

    /// An existing file to be read only.
    pub(super) fn view(path: &Path) -> io::Result<Store> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        Ok(Self::with(file, length))
    }

    /// An existing file. Until [`Store::settle`] is called nothing is taken for unreferenced.
    pub(super) fn open(path: &Path) -> io::Result<Store> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let length = file.metadata()?.len();
        Ok(Self::with(file, length))
    }

    fn with(file: File, length: u64) -> Store {
        Store {
            file,
            end: 0,
            committed: length,
            length,
            durable_length: 0,
            headers: 0..0,
            pending: Vec::new(),
            failed: None,
            #[cfg(test)]
            events: RECORDING.get().then(Vec::new),
        }
    }

    /// Call after HDF5 has read the superblock: what lies behind the end of its space is of no use and cut off.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        if self.end < self.length {
            self.set_length(self.end)?;
        }
        self.committed = self.end;
        Ok(())
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn set_end(&mut self, end: u64) {
        self.end = end;
    }

    /// The length a reader of the file may rely on.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The reason for which nothing can be written any more.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Space for a new piece of the file.
    pub(super) fn allocate(&mut self, kind: Kind, size: u64) -> u64 {
        let aligned = |end: u64| end.next_multiple_of(8);
        if kind == Kind::Header && size <= PAGE - 8 {
            if aligned(self.headers.start) + size > self.headers.end {
                self.fresh_header_page();
            }
            let address = aligned(self.headers.start);
            self.headers.start = address + size;
            return address;
        }
        let mut address = aligned(self.end);
        if kind != Kind::Raw && address % PAGE + size > PAGE {
            address = address.next_multiple_of(PAGE);
        }
        self.end = address + size;
        address
    }

    /// Makes the next object headers share a page (as many as fit). Their changes are then one write.
    pub(super) fn fresh_header_page(&mut self) {
        let start = self.end.next_multiple_of(PAGE);
        // The last bytes stay free: HDF5 would take a header that ends where the file ends for one that can grow.
        self.headers = start..start + PAGE - 8;
        self.end = start + PAGE;
    }

    /// Fills `buffer` with the bytes at `address`, uncommitted ones included; zeros beyond the end of the file.
    pub(super) fn read(&self, address: u64, buffer: &mut [u8]) -> io::Result<()> {
        let on_disk = self.length.saturating_sub(address).min(buffer.len() as u64) as usize;
        let got = read_at(&self.file, address, &mut buffer[..on_disk])?;
        buffer[got..].fill(0);
        for p in &self.pending {
            let start = p.address.max(address);
            let end = (p.address + p.bytes.len() as u64).min(address + buffer.len() as u64);
            if start < end {
                let (from, to) = ((start - p.address) as usize, (start - address) as usize);
                let n = (end - start) as usize;
                buffer[to..to + n].copy_from_slice(&p.bytes[from..from + n]);
            }
        }
        Ok(())
    }

    /// Takes bytes to be written. An error is remembered; later calls do nothing.
    pub(super) fn write(&mut self, kind: Kind, address: u64, bytes: &[u8]) -> Result<(), ()> {
        if self.failed.is_some() {
            return Ok(());
        }
        if address >= self.committed {
            return self.put(address, bytes).map_err(|e| self.fail(&e));
        }
        self.pending
            .retain(|p| p.address != address || p.bytes.len() != bytes.len());
        self.pending.push(Pending {
            kind,
            address,
            bytes: bytes.to_vec(),
        });
        Ok(())
    }

    /// Makes everything written so far visible to readers and proof against the death of the process; with `durable`
    /// also against a power cut.
    pub(super) fn commit(&mut self, direction: Direction, durable: bool) -> Result<(), String> {
        if let Some(reason) = &self.failed {
            return Err(reason.clone());
        }
        let done = self.try_commit(direction, durable);
        done.map_err(|e| {
            self.fail(&e);
            describe(&e)
        })
    }

    fn try_commit(&mut self, direction: Direction, durable: bool) -> io::Result<()> {
        self.reserve()?;
        let pending = std::mem::take(&mut self.pending);
        let mut raw = Vec::new();
        let mut superblock = Vec::new();
        let mut index: BTreeMap<u8, Vec<Pending>> = BTreeMap::new();
        let mut headers = Vec::new();
        let mut restructured = false;
        for p in pending {
            match p.kind {
                Kind::Raw => raw.push(p),
                Kind::Superblock => superblock.push(p),
                Kind::Header => headers.push(p),
                Kind::Index => {
                    restructured |= self.loses_entries(&p)?;
                    index.entry(u8::MAX - level(&p.bytes)).or_default().push(p);
                }
            }
        }
        let headers = self.merge_headers(headers)?;
        match direction {
            Direction::Growing => {
                self.put_all(&raw)?;
                // A node that gives entries to a new neighbour loses them for readers unless its parent is written
                // first. Every so many frames that happens, and then the order is enforced on the disk as well.
                let ordered = durable || restructured;
                self.barrier(ordered)?;
                self.put_all(&superblock)?;
                for nodes in index.values() {
                    self.put_all(nodes)?;
                    self.barrier(restructured)?;
                }
                self.barrier(ordered && !restructured)?;
                // The first page holds the steps and positions that readers count frames by: it comes last.
                for (i, (address, bytes)) in headers.iter().rev().enumerate() {
                    self.barrier(durable && i + 1 == headers.len() && i > 0)?;
                    self.put(*address, bytes)?;
                }
            }
            Direction::Shrinking => {
                for (address, bytes) in &headers {
                    self.put(*address, bytes)?;
                    self.barrier(durable)?;
                }
                for nodes in index.values() {
                    self.put_all(nodes)?;
                }
                self.put_all(&raw)?;
                self.barrier(durable)?;
                self.put_all(&superblock)?;
            }
        }
        self.barrier(durable)?;
        self.committed = self.end;
        Ok(())
    }

    /// Ends the use of the file: cuts off what was reserved but not used.
    pub(super) fn trim(&mut self) {
        if self.length > self.committed {
            // The file is complete without it; a length that cannot be changed does no harm.
            let _ = self.set_length(self.committed);
        }
    }

    /// The superblock must never promise a longer file than there is, so the file grows first, in steps, durably.
    fn reserve(&mut self) -> io::Result<()> {
        if self.end <= self.durable_length {
            return Ok(());
        }
        let step = (self.end / 8).clamp(1 << 18, 1 << 26);
        let wanted = (self.end + step).next_multiple_of(PAGE).max(self.length);
        if wanted > self.length && self.set_length(wanted).is_err() && self.length < self.end {
            self.set_length(self.end)?;
        }
        self.barrier(true)?;
        self.durable_length = self.length;
        Ok(())
    }

    /// True if an index node on disk has entries that its new content has not.
    fn loses_entries(&self, p: &Pending) -> io::Result<bool> {
        let mut old = [0; 8];
        if p.address + 8 > self.length
            || p.bytes.len() < 8
            || read_at(&self.file, p.address, &mut old)? < 8
        {
            return Ok(false);
        }
        let count = |b: &[u8]| u16::from_le_bytes([b[6], b[7]]);
        Ok(&old[..4] == b"TREE"
            && (level(&old) != level(&p.bytes) || count(&p.bytes) < count(&old)))
    }

    /// The changed headers as one piece per page, by address.
    fn merge_headers(&self, mut headers: Vec<Pending>) -> io::Result<Vec<(u64, Vec<u8>)>> {
        headers.sort_by_key(|p| p.address);
        let mut merged: Vec<(u64, Vec<u8>)> = Vec::new();
        for p in headers {
            match merged.last_mut().filter(|m| m.0 / PAGE == p.address / PAGE) {
                Some((address, bytes)) => {
                    let start = (p.address - *address) as usize;
                    let end = start + p.bytes.len();
                    if end > bytes.len() {
                        let known = bytes.len();
                        bytes.resize(end, 0);
                        read_at(&self.file, *address + known as u64, &mut bytes[known..])?;
                    }
                    bytes[start..end].copy_from_slice(&p.bytes);
                }
                None => merged.push((p.address, p.bytes)),
            }
        }
        Ok(merged)
    }

    fn put_all(&mut self, pieces: &[Pending]) -> io::Result<()> {
        pieces
            .iter()
            .try_for_each(|p| self.put(p.address, &p.bytes))
    }

    fn put(&mut self, address: u64, bytes: &[u8]) -> io::Result<()> {
        write_at(&self.file, address, bytes)?;
        self.length = self.length.max(address + bytes.len() as u64);
        #[cfg(test)]
        self.record(|| Event::Write(address, bytes.to_vec()));
        Ok(())
    }

    fn set_length(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.length = length;
        self.durable_length = self.durable_length.min(length);
        #[cfg(test)]
        self.record(|| Event::Length(length));
        Ok(())
    }

    fn barrier(&mut self, wanted: bool) -> io::Result<()> {
        if wanted {
            self.file.sync_data()?;
            #[cfg(test)]
            self.record(|| Event::Barrier);
        }
        Ok(())
    }

    fn fail(&mut self, e: &io::Error) {
        self.failed = Some(describe(e));
        self.pending.clear();
    }

    #[cfg(test)]
    pub(super) fn record(&mut self, event: impl FnOnce() -> Event) {
        if let Some(events) = &mut self.events {
            events.push(event());
        }
    }
}

/// The level of a node of an HDF5 version 1 B-tree above its leaves; other index pieces count as leaves.
fn level(bytes: &[u8]) -> u8 {
    if bytes.len() >= 8 && &bytes[..4] == b"TREE" {
        bytes[5]
    } else {
        0
    }
}

#[cfg(unix)]
fn write_at(file: &File, address: u64, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, address)
}

#[cfg(unix)]
fn read_some_at(file: &File, address: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, address)
}

#[cfg(windows)]
fn write_at(file: &File, mut address: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_write(file, bytes, address)?;
        if n == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[n..];
        address += n as u64;
    }
    Ok(())
}

#[cfg(windows)]
fn read_some_at(file: &File, address: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, address)
}

/// Reads until the buffer is full or the file ends; the number of bytes read.
fn read_at(file: &File, address: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match read_some_at(file, address + got as u64, &mut buffer[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(got)
}
