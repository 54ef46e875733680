/**
 * Pictures of training as plain JSON, with no dependency: Vega-Lite specifications (`vega-embed` shows them in notebooks and
 * pages, `vega` and `vega-lite` render them in Node), and a figure of Plotly for the surface in 3-D.
 *
 * @module neyron/plot
 */
export { type ActivationName, type ActivationsOptions, activations } from './activations.ts'
export { type Approximation, approximation } from './approximation.ts'
export { type DecisionBoundaryOptions, decisionBoundary } from './boundary.ts'
export { type ConfusionMatrixOptions, confusionMatrix } from './confusion.ts'
export { trainingHistory } from './history.ts'
export type { Numbers, Points } from './input.ts'
export { type Landscape, type LandscapeOptions, landscape } from './landscape.ts'
export type { Json, PlotlyFigure, TitleOptions, VegaLiteSpec } from './spec.ts'
export { lossLandscape, lossSurface } from './surface.ts'
export { type Trajectories, type TrajectoriesOptions, trajectories } from './trajectories.ts'
export { type WeightHistogramsOptions, weightHistograms } from './weights.ts'
