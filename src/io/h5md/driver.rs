//! The thin layer of C calls that puts a [`Store`] below HDF5 as a "virtual file driver".
//!
//! HDF5's own driver writes metadata when its cache sees fit and in the order of addresses; `docs/decisions/0003`
//! tells what a kill then leaves. Beside it only `virtual_part.rs` calls C.

use super::store::{Kind, Store};
use hdf5::plist::FileAccess;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// A store that is shared between the writer and HDF5.
pub(super) type Shared = Arc<Mutex<Store>>;

/// The store, also after a panic elsewhere: its state is consistent at every statement that can panic.
pub(super) fn lock(store: &Shared) -> MutexGuard<'_, Store> {
    store
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What to do with the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Build an empty HDF5 file in an empty store.
    Create,
    /// Open what the store holds, for reading and writing.
    Open,
    /// Open what the store holds, for reading.
    View,
}

thread_local! {
    /// The store that the next call of [`open`] on this thread takes.
    static OPENING: RefCell<Option<Shared>> = const { RefCell::new(None) };
}

/// Opens HDF5 on a store. `name` is used in HDF5's messages only.
pub(super) fn open_file(store: &Shared, name: &str, mode: Mode) -> hdf5::Result<hdf5::File> {
    // Version 1.8 of the format: read by everything, no "open for writing" mark in the superblock that a killed
    // process would leave behind.
    let access = FileAccess::build().libver_v18().finish()?;
    let name = CString::new(name.replace('\0', " ")).map_err(|e| e.to_string())?;
    hdf5::sync::sync(|| {
        let driver = register()?;
        OPENING.with(|slot| *slot.borrow_mut() = Some(Arc::clone(store)));
        // SAFETY: the ids are valid, the name is a C string, and HDF5 calls are serialised by `sync`.
        let id = unsafe {
            if H5Pset_driver(access.id(), driver, std::ptr::null()) < 0 {
                -1
            } else {
                match mode {
                    Mode::Create => H5Fcreate(name.as_ptr(), ACC_TRUNC, 0, access.id()),
                    Mode::Open => H5Fopen(name.as_ptr(), ACC_RDWR, access.id()),
                    Mode::View => H5Fopen(name.as_ptr(), ACC_RDONLY, access.id()),
                }
            }
        };
        OPENING.with(|slot| *slot.borrow_mut() = None);
        if id < 0 {
            return Err(hdf5::Error::query().unwrap_or_else(|e| e));
        }
        // SAFETY: a fresh file id whose ownership passes to the returned value.
        unsafe { hdf5::from_id(id) }
    })
}

/// Registers the driver once per process; called under HDF5's lock.
fn register() -> hdf5::Result<Id> {
    static DRIVER: OnceLock<Id> = OnceLock::new();
    if let Some(&id) = DRIVER.get() {
        return Ok(id);
    }
    if hdf5::library_version() < (2, 0, 0) {
        return Err(
            "this HDF5 library is too old for crash-safe trajectories: version 2.0 is needed"
                .into(),
        );
    }
    // SAFETY: the class outlives the call (HDF5 copies it) and has the layout of H5FDdevelop.h, whose version number
    // HDF5 checks.
    let id = unsafe { H5FDregister(&CLASS) };
    if id < 0 {
        return Err("HDF5 did not accept the file driver".into());
    }
    Ok(*DRIVER.get_or_init(|| id))
}

type Id = i64;
type Status = c_int;
const FAIL: Status = -1;
const UNDEFINED: u64 = u64::MAX;
const ACC_RDONLY: c_uint = 0;
const ACC_RDWR: c_uint = 1;
const ACC_TRUNC: c_uint = 2;

unsafe extern "C" {
    fn H5FDregister(class: *const Class) -> Id;
    fn H5Pset_driver(access: Id, driver: Id, info: *const c_void) -> Status;
    fn H5Fcreate(name: *const c_char, flags: c_uint, creation: Id, access: Id) -> Id;
    fn H5Fopen(name: *const c_char, flags: c_uint, access: Id) -> Id;
}

/// An open file as HDF5 sees it: its own fields first (`H5FD_t`, some 80 bytes, filled in by the library), then ours.
#[repr(C)]
struct Handle {
    library: [u64; 32],
    store: Shared,
}

type Unused = Option<unsafe extern "C" fn()>;

/// `H5FD_class_t` of HDF5 2.x, class version 1. Callbacks that are not needed are null.
#[repr(C)]
struct Class {
    version: c_uint,
    value: c_int,
    name: *const c_char,
    maxaddr: u64,
    fc_degree: c_int,
    terminate: Unused,
    sb_size: Unused,
    sb_encode: Unused,
    sb_decode: Unused,
    fapl_size: usize,
    fapl_get: Unused,
    fapl_copy: Unused,
    fapl_free: Unused,
    dxpl_size: usize,
    dxpl_copy: Unused,
    dxpl_free: Unused,
    open: unsafe extern "C" fn(*const c_char, c_uint, Id, u64) -> *mut Handle,
    close: unsafe extern "C" fn(*mut Handle) -> Status,
    cmp: unsafe extern "C" fn(*const Handle, *const Handle) -> c_int,
    query: Unused,
    get_type_map: Unused,
    alloc: unsafe extern "C" fn(*mut Handle, c_int, Id, u64) -> u64,
    free: Unused,
    get_eoa: unsafe extern "C" fn(*const Handle, c_int) -> u64,
    set_eoa: unsafe extern "C" fn(*mut Handle, c_int, u64) -> Status,
    get_eof: unsafe extern "C" fn(*const Handle, c_int) -> u64,
    get_handle: Unused,
    read: unsafe extern "C" fn(*mut Handle, c_int, Id, u64, usize, *mut c_void) -> Status,
    write: unsafe extern "C" fn(*mut Handle, c_int, Id, u64, usize, *const c_void) -> Status,
    read_vector: Unused,
    write_vector: Unused,
    read_selection: Unused,
    write_selection: Unused,
    flush: Unused,
    truncate: Unused,
    lock: Unused,
    unlock: Unused,
    del: Unused,
    ctl: Unused,
    fl_map: [c_int; 7],
}

// SAFETY: immutable, and the pointers in it are to static data and functions.
unsafe impl Sync for Class {}

static CLASS: Class = Class {
    version: 1,
    value: 640, // 512 to 65535 are free for drivers that the HDF Group does not know
    name: c"zundel-commit".as_ptr(),
    maxaddr: i64::MAX as u64,
    fc_degree: 1, // H5F_CLOSE_WEAK: the file is closed when its last object is
    terminate: None,
    sb_size: None,
    sb_encode: None,
    sb_decode: None,
    fapl_size: 0,
    fapl_get: None,
    fapl_copy: None,
    fapl_free: None,
    dxpl_size: 0,
    dxpl_copy: None,
    dxpl_free: None,
    open,
    close,
    cmp,
    query: None,
    get_type_map: None,
    alloc,
    free: None,
    get_eoa,
    set_eoa,
    get_eof,
    get_handle: None,
    read,
    write,
    read_vector: None,
    write_vector: None,
    read_selection: None,
    write_selection: None,
    flush: None,
    truncate: None,
    lock: None, // no lock: other programs may read the file while it is being written
    unlock: None,
    del: None,
    ctl: None,
    fl_map: [0; 7],
};

/// HDF5's seven kinds of file memory (`H5FD_mem_t`).
fn kind(memory: c_int) -> Kind {
    match memory {
        1 => Kind::Superblock,
        3 => Kind::Raw,
        6 => Kind::Header,
        _ => Kind::Index,
    }
}

/// Runs a callback's body; a panic must not unwind into C.
fn guarded<T>(failure: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(failure)
}

/// A file that HDF5 opens by itself because a view refers to it: to be read only, and only if it is a plain file.
fn referred(name: &CStr, flags: c_uint) -> Option<Shared> {
    let path = Path::new(name.to_str().ok()?);
    if flags != ACC_RDONLY || !path.is_file() {
        return None;
    }
    Some(Arc::new(Mutex::new(Store::view(path).ok()?)))
}

// SAFETY of the callbacks below: HDF5 passes back the pointers that `open` returned, until it calls `close` with them,
// and buffers of the stated sizes.

unsafe extern "C" fn open(name: *const c_char, flags: c_uint, _: Id, _: u64) -> *mut Handle {
    guarded(std::ptr::null_mut(), || {
        let ours = OPENING.with(|slot| slot.borrow().clone());
        // SAFETY: HDF5 passes the name of the file as a C string.
        let store = ours.or_else(|| referred(unsafe { CStr::from_ptr(name) }, flags));
        store.map_or(std::ptr::null_mut(), |store| {
            Box::into_raw(Box::new(Handle {
                library: [0; 32],
                store,
            }))
        })
    })
}

unsafe extern "C" fn close(file: *mut Handle) -> Status {
    // SAFETY: made by `open`, closed once.
    guarded(FAIL, || {
        drop(unsafe { Box::from_raw(file) });
        0
    })
}

unsafe extern "C" fn cmp(a: *const Handle, b: *const Handle) -> c_int {
    // SAFETY: see above.
    let (a, b) = unsafe { (Arc::as_ptr(&(*a).store), Arc::as_ptr(&(*b).store)) };
    a.cmp(&b) as c_int
}

unsafe extern "C" fn alloc(file: *mut Handle, memory: c_int, _: Id, size: u64) -> u64 {
    // SAFETY: see above.
    guarded(UNDEFINED, || {
        lock(unsafe { &(*file).store }).allocate(kind(memory), size)
    })
}

unsafe extern "C" fn get_eoa(file: *const Handle, _: c_int) -> u64 {
    // SAFETY: see above.
    guarded(UNDEFINED, || lock(unsafe { &(*file).store }).end())
}

unsafe extern "C" fn set_eoa(file: *mut Handle, _: c_int, end: u64) -> Status {
    // SAFETY: see above.
    guarded(FAIL, || {
        lock(unsafe { &(*file).store }).set_end(end);
        0
    })
}

unsafe extern "C" fn get_eof(file: *const Handle, _: c_int) -> u64 {
    // SAFETY: see above.
    guarded(UNDEFINED, || lock(unsafe { &(*file).store }).length())
}

unsafe extern "C" fn read(
    file: *mut Handle,
    _: c_int,
    _: Id,
    at: u64,
    size: usize,
    buffer: *mut c_void,
) -> Status {
    guarded(FAIL, || {
        // SAFETY: see above; HDF5's buffer is zeroed first because it need not be initialised.
        let (store, buffer) = unsafe {
            std::ptr::write_bytes(buffer.cast::<u8>(), 0, size);
            (
                &(*file).store,
                std::slice::from_raw_parts_mut(buffer.cast::<u8>(), size),
            )
        };
        if lock(store).read(at, buffer).is_ok() {
            0
        } else {
            FAIL
        }
    })
}

unsafe extern "C" fn write(
    file: *mut Handle,
    memory: c_int,
    _: Id,
    at: u64,
    size: usize,
    buffer: *const c_void,
) -> Status {
    guarded(FAIL, || {
        // SAFETY: see above.
        let (store, bytes) = unsafe {
            (
                &(*file).store,
                std::slice::from_raw_parts(buffer.cast::<u8>(), size),
            )
        };
        if lock(store).write(kind(memory), at, bytes).is_ok() {
            0
        } else {
            FAIL
        }
    })
}
