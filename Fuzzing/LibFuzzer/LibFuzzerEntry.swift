import Glibc

/// The target that the variable FUZZ_TARGET names.
private let target: FuzzTarget = {
  let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
  guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
    print(FuzzTarget.all.map(\.name).joined(separator: "\n"))
    exit(name == "list" ? 0 : 2)
  }
  return target
}()

/// Before anything else: writes the target's seeds into the folder FUZZ_SEEDS.
@_cdecl("LLVMFuzzerInitialize")
public func initializeFuzzer(_: UnsafePointer<Int32>, _: UnsafePointer<UnsafePointer<CChar>>) -> Int32 {
  guard let folder = getenv("FUZZ_SEEDS").map({ String(cString: $0) }) else {
    _ = target
    return 0
  }
  for (number, seed) in target.seeds.enumerated() {
    guard let file = fopen("\(folder)/seed-\(number)", "w") else { exit(1) }
    fwrite(seed, 1, seed.count, file)
    fclose(file)
  }
  return 0
}

/// One input. A property that does not hold ends the process, as a crash does.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  do {
    try target.run(Array(UnsafeBufferPointer(start: start, count: count)))
  } catch {
    fatalError("\(target.name): \(error)")
  }
  return 0
}
