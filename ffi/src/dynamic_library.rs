//! Vendor libraries that are opened while the program runs, so that it starts on
//! machines that do not have them.

use std::ffi::OsStr;

use libloading::os::unix::{Library as Handle, RTLD_LOCAL, RTLD_NOW};

/// An open library. It stays open for as long as the process lives: drivers have
/// threads and exit handlers of their own, and do not survive being closed.
#[derive(Debug)]
pub struct Library {
    name: &'static str,
    handle: Handle,
}

impl Library {
    /// Opens a library by its file name, where the dynamic linker finds it.
    ///
    /// # Errors
    /// [`LoadError::Open`].
    pub fn open(name: &'static str) -> Result<Self, LoadError> {
        // SAFETY: the libraries named in this crate are vendors' drivers, whose
        // initializers may be run at any time and on any thread.
        let handle = unsafe { Handle::open(Some(OsStr::new(name)), RTLD_NOW | RTLD_LOCAL) };
        match handle {
            Ok(handle) => Ok(Self { name, handle }),
            Err(error) => Err(LoadError::Open { name, reason: error.to_string() }),
        }
    }

    /// A function of it.
    ///
    /// # Errors
    /// [`LoadError::Symbol`], of a driver that is older than the function.
    ///
    /// # Safety
    /// `F` is the function pointer type that the library's header declares for
    /// `symbol`.
    pub unsafe fn function<F: Copy>(&self, symbol: &'static str) -> Result<F, LoadError> {
        // SAFETY: the caller vouches for the type; it is copied out of a handle
        // that is never closed (`forget`).
        let found = unsafe { self.handle.get::<F>(symbol.as_bytes()) };
        match found {
            Ok(function) => Ok(*function),
            Err(_) => Err(LoadError::Symbol { name: self.name, symbol }),
        }
    }

    /// Leaves it open for ever.
    pub fn keep(self) {
        std::mem::forget(self.handle);
    }
}

/// A vendor's library cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// It is not there, or does not load.
    #[error("cannot open {name}: {reason}; install the driver that has it")]
    Open {
        /// File name.
        name: &'static str,
        /// What the dynamic linker says.
        reason: String,
    },
    /// It is too old.
    #[error("{name} has no function {symbol}; install a newer driver")]
    Symbol {
        /// File name.
        name: &'static str,
        /// The function.
        symbol: &'static str,
    },
}

/// Declares a table of a library's functions, loaded all at once, so that a
/// function that an old driver lacks is an error at the start and not a crash
/// later.
macro_rules! functions {
    (
        $(#[$attribute:meta])*
        struct $table:ident of $library:literal {
            $($symbol:ident: fn($($argument:ident: $type:ty),* $(,)?) -> $result:ty;)*
        }
    ) => {
        $(#[$attribute])*
        #[allow(non_snake_case, reason = "named as in the vendor's header")]
        #[derive(Debug, Clone, Copy)]
        #[allow(dead_code, reason = "that a function is there may be all that is asked")]
        pub(crate) struct $table {
            $(pub(crate) $symbol: unsafe extern "C" fn($($argument: $type),*) -> $result,)*
        }

        impl $table {
            pub(crate) fn load() -> Result<Self, $crate::dynamic_library::LoadError> {
                let library = $crate::dynamic_library::Library::open($library)?;
                // SAFETY: each type is written after the vendor's header.
                let table = unsafe { Self { $($symbol: library.function(stringify!($symbol))?,)* } };
                library.keep();
                Ok(table)
            }
        }
    };
}

pub(crate) use functions;

#[cfg(test)]
mod tests {
    use std::ffi::{c_char, c_int};

    use super::*;

    functions! {
        struct Present of "libc.so.6" {
            atoi: fn(text: *const c_char) -> c_int;
        }
    }

    functions! {
        struct Absent of "libc.so.6" {
            not_in_any_version: fn() -> c_int;
        }
    }

    functions! {
        struct Missing of "libof-no-vendor.so.1" {
            anything: fn() -> c_int;
        }
    }

    #[test]
    fn functions_are_found_or_named() {
        let table = Present::load().unwrap();
        // SAFETY: atoi reads a string that ends with zero.
        assert_eq!(unsafe { (table.atoi)(c"42".as_ptr()) }, 42);
        let error = Absent::load().unwrap_err();
        assert_eq!(error, LoadError::Symbol { name: "libc.so.6", symbol: "not_in_any_version" });
        let error = Missing::load().unwrap_err();
        assert!(error.to_string().starts_with("cannot open libof-no-vendor.so.1: "), "{error}");
    }
}
