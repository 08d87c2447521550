//! The vector functions of glibc's libmvec and of SLEEF for AVX-512, looked up at run time.
#![allow(unsafe_code)] // To call functions of other libraries.
#![allow(improper_ctypes_definitions)] // Vectors go in registers, as the ABI of the processor says.

use std::arch::x86_64::*;

use libloading::Library;

/// A library, if the machine has it and AVX-512.
pub struct Peer {
    library: Option<Library>,
    /// How it names the function of sixteen `f32` and that of eight `f64`.
    names: fn(&str, usize) -> [String; 2],
}

impl Peer {
    /// glibc's.
    pub fn libmvec() -> Peer {
        let names = |function: &str, arguments: usize| {
            let v = "v".repeat(arguments);
            [format!("_ZGVeN16{v}_{function}f"), format!("_ZGVeN8{v}_{function}")]
        };
        Peer { library: open("libmvec.so.1"), names }
    }

    /// SLEEF's, of one unit in the last place.
    pub fn sleef() -> Peer {
        let names = |function: &str, _: usize| {
            [format!("Sleef_{function}f16_u10avx512f"), format!("Sleef_{function}d8_u10avx512f")]
        };
        Peer { library: open("libsleef.so.3"), names }
    }
}

fn open(name: &str) -> Option<Library> {
    if !is_x86_feature_detected!("avx512f") {
        return None;
    }
    // SAFETY: the libraries named here do nothing when they are loaded.
    let library = unsafe { Library::new(name) };
    if let Err(error) = &library {
        println!("without {name}: {error}");
    }
    library.ok()
}

/// A type that the peers have functions of.
pub trait Element: Copy + Default {
    /// Its place among a peer's names.
    const PLACE: usize;

    /// Calls the function at `address` on each vector.
    ///
    /// # Safety
    /// It is the peer's function of one (`y` empty) or two vectors of the type, and the processor has AVX-512; the
    /// slices hold whole vectors.
    unsafe fn call(address: *const (), x: &[Self], y: &[Self], output: &mut [Self]);
}

macro_rules! implement_element {
    ($float:ident, $place:literal, $lanes:literal, $vector:ident, $load:ident, $store:ident) => {
        impl Element for $float {
            const PLACE: usize = $place;

            #[target_feature(enable = "avx512f")]
            unsafe fn call(address: *const (), x: &[$float], y: &[$float], output: &mut [$float]) {
                type One = unsafe extern "C" fn($vector) -> $vector;
                type Two = unsafe extern "C" fn($vector, $vector) -> $vector;
                // SAFETY: the caller's; every load and store is of a whole vector of a slice.
                unsafe {
                    let one = std::mem::transmute::<*const (), One>(address);
                    let two = std::mem::transmute::<*const (), Two>(address);
                    for (i, output) in output.chunks_exact_mut($lanes).enumerate() {
                        let x = $load(x[i * $lanes..][..$lanes].as_ptr());
                        let value =
                            if y.is_empty() { one(x) } else { two(x, $load(y[i * $lanes..][..$lanes].as_ptr())) };
                        $store(output.as_mut_ptr(), value);
                    }
                }
            }
        }
    };
}

implement_element!(f32, 0, 16, __m512, _mm512_loadu_ps, _mm512_storeu_ps);
implement_element!(f64, 1, 8, __m512d, _mm512_loadu_pd, _mm512_storeu_pd);

impl Peer {
    /// The peer's function of one slice, or of two if `y` is not empty, into another slice; `None` if it has none.
    pub fn function<'a, T: Element>(
        &self,
        name: &str,
        x: &'a [T],
        y: &'a [T],
        output: &'a mut [T],
    ) -> Option<impl FnMut() + 'a> {
        let name = &(self.names)(name, if y.is_empty() { 1 } else { 2 })[T::PLACE];
        // SAFETY: only the address is taken.
        let symbol = unsafe { self.library.as_ref()?.get::<*const ()>(name.as_bytes()) };
        let address = *symbol.ok()?;
        assert!(x.len().is_multiple_of(16) && output.len() == x.len() && (y.is_empty() || y.len() == x.len()));
        // SAFETY: the name says what function it is; the library is only there with AVX-512 and stays loaded, since the
        // program keeps it until its end.
        Some(move || unsafe { T::call(address, std::hint::black_box(x), y, output) })
    }
}
