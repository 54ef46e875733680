/**
 * Iris with neyron: standardised measures, a 4-16-3 network, flowers held out in equal shares of each species; and the same
 * five times over, each time with another fifth held out. Takes a CSV file, too, with the class in its last column:
 *
 *   npx tsx examples/07-iris.ts flowers.csv
 */
import { data, evaluate, fit, manualSeed, metrics, nn, optim, predict, type Tensor, tensor } from 'neyron'
import * as plot from 'neyron/plot'
import { example } from './support/example.ts'
import { loadFlowers } from './support/iris.ts'
import { render } from './support/render.ts'

const classifier = (features: number, classes: number) =>
  nn.sequential(new nn.Linear(features, 16), new nn.Tanh(), new nn.Linear(16, classes))

async function train(model: nn.Layer & nn.Module, x: Tensor, y: Tensor, validationSplit?: number) {
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.02 })
  const loss = new nn.CrossEntropyLoss()
  const { accuracy } = metrics
  const options = { loss, optimizer, epochs: 40, batchSize: 16, metrics: { accuracy }, seed: 1 }
  return fit(model, [x, y], { ...options, validationSplit })
}

await example(async () => {
  manualSeed(7)
  const { measures, species } = loadFlowers(process.argv[2])
  const { labels: y, classes } = data.encodeLabels(species)
  const x = tensor(measures)
  const features = measures[0].length
  console.log(`${x.shape[0]} rows of ${features} numbers; ${classes.join(', ')}`)
  console.log(`the first row's class, one-hot: ${data.oneHot(y).slice(0)}`)

  const { xTrain, xTest, yTrain, yTest } = data.trainTestSplit(x, y, { testSize: 0.3, stratify: true, seed: 1 })
  const scaler = new data.StandardScaler().fit(xTrain)
  const [train01, test01] = [scaler.transform(xTrain), scaler.transform(xTest)]
  const model = classifier(features, classes.length)
  const { history } = await train(model, train01, yTrain, 0.2)
  const { accuracy } = await evaluate(model, [test01, yTest], {
    loss: new nn.CrossEntropyLoss(),
    metrics: { accuracy: metrics.accuracy },
  })
  const matrix = metrics.confusionMatrix(await predict(model, test01), yTest)
  console.log(`held out: ${(100 * accuracy).toFixed(1)} % right; rows are the truth, columns the answers`)
  console.table(Object.fromEntries(matrix.map((row, i) => [classes[i], row])))

  const scores: number[] = []
  for (const { train: part, test } of data.kFold(y, { k: 5, stratify: true, seed: 1 })) {
    const [xs, ys] = [x, y].map((rows) => rows.indexSelect(0, part))
    const ours = new data.StandardScaler().fit(xs)
    const fold = classifier(features, classes.length)
    await train(fold, ours.transform(xs), ys)
    const [xHeld, yHeld] = [x, y].map((rows) => rows.indexSelect(0, test))
    scores.push(metrics.accuracy(await predict(fold, ours.transform(xHeld)), yHeld))
  }
  console.log(`five folds: ${scores.map((score) => score.toFixed(3)).join(', ')}`)
  await render(plot.trainingHistory(history, { title: 'Iris' }), 'out/07-iris-history')
  await render(plot.confusionMatrix(matrix, { labels: classes }), 'out/07-iris-confusion')
  return { accuracy, error: 1 - accuracy }
})
