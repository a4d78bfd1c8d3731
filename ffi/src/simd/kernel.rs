//! Which instruction set multiplies.

use std::fmt;

use super::portable;
use super::task::Task;

#[cfg(target_arch = "aarch64")]
use super::neon;
#[cfg(target_arch = "x86_64")]
use super::{avx2, gfni_avx2, gfni_avx512, ssse3};

/// A kernel this CPU can run: no value exists for instructions it lacks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Kernel(Set);

/// Slowest first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Ssse3,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    GfniAvx2,
    #[cfg(target_arch = "x86_64")]
    GfniAvx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Kernel {
    /// Plain Rust, on every machine.
    pub const PORTABLE: Self = Self(Set::Portable);

    /// The fastest one of this CPU.
    #[must_use]
    pub fn best() -> Self {
        Self::available().last().unwrap_or(Self::PORTABLE)
    }

    /// All that this CPU can run, slowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Set::ALL.into_iter().filter(|set| set.is_supported()).map(Self)
    }

    /// The available kernel of that name (see [`Kernel::name`]).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::available().find(|kernel| kernel.name() == name)
    }

    /// Name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Ssse3 => "ssse3",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::GfniAvx2 => "gfni-avx2",
            #[cfg(target_arch = "x86_64")]
            Set::GfniAvx512 => "gfni-avx512",
            #[cfg(target_arch = "aarch64")]
            Set::Neon => "neon",
        }
    }

    /// Multiplies. Shards narrower than one step of the kernel go the portable
    /// way: they occur with toy packet sizes and small audio packets only.
    pub(super) fn run(self, task: &Task<'_>) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `Kernel` exists only where `is_supported` found SSSE3, and
            // the guard grants a whole step.
            Set::Ssse3 if task.len >= ssse3::WIDTH => unsafe { ssse3::run(task) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above, with AVX2.
            Set::Avx2 if task.len >= avx2::WIDTH => unsafe { avx2::run(task) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above, with AVX2 and GFNI.
            Set::GfniAvx2 if task.len >= gfni_avx2::WIDTH => unsafe { gfni_avx2::run(task) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above, with AVX-512F, AVX-512BW and GFNI.
            Set::GfniAvx512 if task.len >= gfni_avx512::WIDTH => unsafe { gfni_avx512::run(task) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as above, with NEON.
            Set::Neon if task.len >= neon::WIDTH => unsafe { neon::run(task) },
            _ => portable::run(task),
        }
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(target_arch = "x86_64")]
impl Set {
    const ALL: [Self; 5] = [Self::Portable, Self::Ssse3, Self::Avx2, Self::GfniAvx2, Self::GfniAvx512];

    fn is_supported(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Ssse3 => is_x86_feature_detected!("ssse3"),
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            Self::GfniAvx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("gfni"),
            Self::GfniAvx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("gfni")
            }
        }
    }
}

#[cfg(target_arch = "aarch64")]
impl Set {
    const ALL: [Self; 2] = [Self::Portable, Self::Neon];

    fn is_supported(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
        }
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
impl Set {
    const ALL: [Self; 1] = [Self::Portable];

    fn is_supported(self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_kernel_is_available_under_its_name() {
        let best = Kernel::best();
        assert_eq!(Kernel::named(best.name()), Some(best));
        assert_eq!(Kernel::available().next(), Some(Kernel::PORTABLE));
        assert_eq!(Kernel::named("sse9"), None);
    }
}
