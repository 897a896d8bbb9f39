import Foundation

extension Lab {
  /// Compiles the library that sets a program's wall clock off by the seconds in the file `offset`. Returns its path.
  func wallClock(of account: Account, offset: URL) throws -> String {
    try preloaded("WallClock/wall_clock.c", of: account, ["-DWALL_CLOCK_OFFSET=\"\(offset.path)\""])
  }

  /// Sets the clock. `mv` puts the whole text there at once.
  func setClock(_ offset_s: Int, in file: URL, of account: Account) throws {
    let name = file.lastPathComponent
    try write("\(offset_s)", to: "\(name).new", of: account)
    try succeed(account, ["mv", file.path + ".new", file.path])
  }
}
