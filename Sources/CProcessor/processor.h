// What the processor says of itself. Files of the system may speak of another one, as under an emulator.
//
// Nothing here needs a library: it is a header alone, and the code becomes part of what includes it.

#ifndef NOISEMAX_PROCESSOR_H
#define NOISEMAX_PROCESSOR_H

#if defined(__x86_64__)

struct noisemax_registers {
  unsigned eax, ebx, ecx, edx;
};

static inline struct noisemax_registers noisemax_cpuid(unsigned leaf, unsigned subleaf) {
  struct noisemax_registers r;
  __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
  return r;
}

// The registers that the system keeps from one thread to the next: its XCR0.
static inline unsigned noisemax_kept_registers(void) {
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

// The level of the x86-64 architecture that a program may use: 1, or 3 (with AVX2 and fused multiply-add), or 4 (with
// AVX-512). A level is what a compiler takes for granted when it is told to compile for it.
static inline int noisemax_x86_64_level(void) {
  // FMA, CMPXCHG16B, MOVBE, POPCNT, XSAVE in use, AVX, F16C.
  const unsigned basic = 1u << 12 | 1u << 13 | 1u << 22 | 1u << 23 | 1u << 27 | 1u << 28 | 1u << 29;
  const unsigned extended = 1u << 5;                           // LZCNT
  const unsigned level3 = 1u << 3 | 1u << 5 | 1u << 8;         // BMI1, AVX2, BMI2
  const unsigned level4 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;  // AVX-512 F, DQ, CD, BW, VL
  if (noisemax_cpuid(0, 0).eax < 7 || noisemax_cpuid(0x80000000, 0).eax < 0x80000001) return 1;
  if ((noisemax_cpuid(1, 0).ecx & basic) != basic) return 1;
  if ((noisemax_cpuid(0x80000001, 0).ecx & extended) != extended) return 1;
  const unsigned features = noisemax_cpuid(7, 0).ebx;
  const unsigned kept = noisemax_kept_registers();
  if ((features & level3) != level3 || (kept & 0x6) != 0x6) return 1;
#if defined(__APPLE__)
  // Its system keeps the wide registers from the first time that they are used, and says so only then.
  const unsigned wide = 0x6;
#else
  const unsigned wide = 0xe6;
#endif
  return (features & level4) == level4 && (kept & wide) == wide ? 4 : 3;
}

#endif
#endif
