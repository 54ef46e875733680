import { data, type nn, noGrad, type Tensor } from 'neyron'

export interface Evaluation {
  loss: number
  /** The share of right answers, 0 to 1. */
  accuracy: number
}

/** The mean loss and the accuracy over a whole dataset. */
export function evaluate(
  model: { forward(x: Tensor): Tensor },
  lossFn: nn.CrossEntropyLoss,
  dataset: data.TensorDataset,
): Evaluation {
  return noGrad(() => {
    let [loss, right, seen] = [0, 0, 0]
    for (const [x, y] of new data.DataLoader(dataset, { batchSize: 1000 })) {
      const count = x.shape[0]
      const logits = model.forward(x)
      loss += lossFn.forward(logits, y).item() * count
      right += logits.argmax(1).eq(y).sum().item()
      seen += count
    }
    return { loss: loss / seen, accuracy: right / seen }
  })
}
