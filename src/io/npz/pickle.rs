//! The one pickled object that a model file may hold: the errors of a test, `{'mae': x, 'rmse': y}`.
//!
//! A fixed template of protocol 2 with two numbers in it; nothing is ever unpickled here.

use super::header::Header;

/// A member with a 0-d object array of `{'mae': mae, 'rmse': rmse}`, as the sGDML package keeps errors of energies and
/// forces.
pub fn errors_object(mae: f64, rmse: f64) -> Vec<u8> {
    let mut out = Header::render("|O", false, &[]);
    // numpy.core.multiarray._reconstruct(numpy.ndarray, (0,), b'b'), its state (1, (), dtype('O8'), False, [{...}]).
    out.extend_from_slice(b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n");
    out.extend_from_slice(b"cnumpy\nndarray\nK\x00\x85U\x01b\x87R");
    out.extend_from_slice(b"(K\x01)cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R");
    out.extend_from_slice(b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ftb\x89");
    out.extend_from_slice(b"]}(U\x03maeG");
    out.extend(mae.to_be_bytes());
    out.extend_from_slice(b"U\x04rmseG");
    out.extend(rmse.to_be_bytes());
    out.extend_from_slice(b"uatb.");
    out
}
