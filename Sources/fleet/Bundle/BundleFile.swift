import FleetProtocol

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A bundle as one archive.
struct BundleFile: BundlePlace {
  let path: String

  var step: ProvisionStep { .writeBundle }
  var machine: String? { nil }
  func presentKey(of device: DeviceName) -> [UInt8]? { nil }

  func check() throws(Refusal) {
    guard !FileStore.exists(path) else { throw exists }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    guard access(folder, W_OK) == 0 else { throw .system("cannot write \(DisplayText.escaped(path))") }
  }

  /// Writes the archive beside its final place, for this account only, and then gives it its name.
  func place(_ bundle: DeviceBundle) throws(Refusal) -> String {
    let temporary = "\(path).\(getpid()).new"
    let file = try Descriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL)
    defer { unlink(temporary) }
    try file.write(bundle.archive(modified_s: LaptopEnvironment.now.seconds))
    guard fsync(file.number) == 0 else { throw .system("cannot write \(DisplayText.escaped(path))") }
    // link, unlike rename, never replaces what somebody put there meanwhile.
    guard link(temporary, path) == 0 else {
      throw errno == EEXIST ? exists : .system("cannot write \(DisplayText.escaped(path))")
    }
    return DisplayText.escaped(path)
  }

  func nextStep(_ folderName: String) -> String {
    let name = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    return "on the box: tar -xf \(DisplayText.escaped(ShellWord.quoted(name))) && sh \(folderName)/install.sh"
  }

  private var exists: Refusal {
    Refusal(
      .stepFailed, "\(DisplayText.escaped(path)) exists already",
      hint: "it may hold a device's only key; choose another")
  }
}
