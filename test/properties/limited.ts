/** Trains within 4 MiB on batches of the sizes it is given, whether they fit or not; prints what was refused, and the weights. */
import { init, manualSeed, memory, nn, optim, randint, randn, scope, weightsSha256 } from '../../src/index.ts'

await init({ maxMemory: 4 * 2 ** 20 })
const model = nn.sequential(new nn.Linear(64, 128), new nn.ReLU(), new nn.Linear(128, 10))
const optimizer = new optim.Adam(model.parameters())
const lossFn = new nn.CrossEntropyLoss()
const refused: string[] = []
for (const rows of process.argv.slice(2).map(Number))
  try {
    scope(() => {
      optimizer.zeroGrad()
      // The same numbers, however many draws went to batches that did not fit.
      manualSeed(rows)
      lossFn.forward(model.forward(randn([rows, 64])), randint(0, 10, [rows])).backward()
      optimizer.step()
    })
  } catch (error) {
    refused.push(String(error))
  }
console.log(JSON.stringify({ refused, reserved: memory().reserved, hash: await weightsSha256(model.stateDict()) }))
