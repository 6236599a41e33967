extension Report {
  /// The report for reading.
  var markdown: String {
    let processor = machine.processor ?? machine.architecture
    var text =
      "\(processor), \(machine.cores) cores, \(instructionSet) instructions, \(machine.build) build.\n"
    if machine.build == "debug" {
      text += "Times of a debug build mean nothing: swift run -c release benchmarks\n"
    }
    if !laws.isEmpty { text += "\nThe first row under a law, which makes its tables:\n\n" + firstCallTable }
    text += "\n" + table(of: measurements, isPeers: false)
    text +=
      "\nTime: medians over the rounds, of a row in a batch on one thread, and on all cores. Error: the largest"
      + "\ndifference to the exact result in Double."
      + "\nAllocations: per call with a batch / per row with a kept workspace.\n"
    if !peers.isEmpty {
      let versions = peerVersions.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
      text +=
        "\nPeers, one thread (\(versions.joined(separator: ", "))):\n\n" + table(of: peers, isPeers: true)
    }
    for (name, reason) in missingPeers.sorted(by: { $0.key < $1.key }) {
      text += "\nNot measured: \(name) (\(reason))."
    }
    if !missingPeers.isEmpty { text += "\nTo install the peers: \(PeerProcess.installation)\n" }
    return text
  }

  private var firstCallTable: String {
    var table = MarkdownTable(["law", "first row"], textColumns: 1)
    for law in laws { table.append([law.law, time(nanoseconds: law.firstCallNanoseconds)]) }
    return table.text
  }

  private func table(of measurements: [Measurement], isPeers: Bool) -> String {
    let comparesWithTorch = measurements.contains { $0.ratioToTorchSoftmax != nil }
    var header = ["law", isPeers ? "peer" : "method", "pass", "precision", "n", "rows", "per row"]
    header += ["ns/element", "error"]
    if comparesWithTorch { header.append("× torch.softmax") }
    if !isPeers { header += ["all cores", "allocations"] }
    header.append("rounds")
    var table = MarkdownTable(header, textColumns: 4)
    for one in measurements {
      var row = [one.law, one.method, one.pass, one.precision, "\(one.size)", "\(one.rows)"]
      row += [time(nanoseconds: one.nanosecondsPerRow), significant(one.nanosecondsPerElement)]
      row.append(one.maximumError.map(scientific) ?? "exact")
      if comparesWithTorch { row.append(one.ratioToTorchSoftmax.map { significant($0) } ?? "–") }
      if !isPeers {
        row.append(one.nanosecondsPerRowOnAllCores.map { time(nanoseconds: $0) } ?? "–")
        row.append(
          [one.allocationsPerBatch, one.allocationsPerRow].map { $0.map(String.init) ?? "–" }.joined(
            separator: " / "))
      }
      row.append("\(one.rounds)")
      table.append(row)
    }
    return table.text
  }
}
