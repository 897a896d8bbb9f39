import FleetProtocol

/// Where the files of boxes that are not here go: an archive, or the disk of a box.
protocol BundlePlace {
  /// Which step writes it.
  var step: ProvisionStep { get }
  /// For which machine the agent must be, `nil` where nobody knows.
  var machine: String? { get }
  /// What a run that was cut off, or an earlier one, has left of the device there: its private key.
  func presentKey(of device: DeviceName) throws(Refusal) -> [UInt8]?
  /// Throws when the bundle cannot be put there; nothing has been done then.
  func check() throws(Refusal)
  /// Puts everything there or nothing. Returns where that is.
  func place(_ bundle: DeviceBundle) throws(Refusal) -> String
  /// What the person does next.
  func nextStep(_ bundle: String) -> String
}
