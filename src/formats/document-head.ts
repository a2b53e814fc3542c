import * as z from 'zod'
import { name } from './settings.ts'

/** What every document begins with. */

export const apiVersion = 'dragoman/v1alpha1'

const texts = z.record(z.string().min(1).max(256), z.string().max(1_024))

/** A label on documents of the demo world, which nothing but `dragoman dev` loads. */
export const worldLabel = 'dragoman/world'

/** Labels below `dragoman/` mean something here, so a misspelt one is a fault. */
const labels = texts
  .refine((all) => Object.keys(all).every((key) => key === worldLabel || !key.startsWith('dragoman/')), {
    message: `of the labels below dragoman/ only ${worldLabel} is known`,
  })
  .refine((all) => all[worldLabel] === undefined || all[worldLabel] === 'demo', {
    message: `${worldLabel} can only be demo`,
  })

const metadata = z
  .strictObject({
    name: name.meta({ description: 'Names the document; unique among documents of its kind.' }),
    labels: labels.optional().meta({ description: 'Labels of your own; `dragoman/world: demo` for the demo world.' }),
    annotations: texts.optional().meta({ description: 'Notes for people and tools: owner, ticket, reason.' }),
  })
  .meta({ description: 'Who the document is.' })

/** The schema of a whole document of one kind. */
export const documentSchema = <K extends string, S extends z.ZodType>(kind: K, spec: S) =>
  z.strictObject({ apiVersion: z.literal(apiVersion), kind: z.literal(kind), metadata, spec })

/** As much of a document as must be right before anything else in it can be judged. */
export const documentHead = <K extends string>(kinds: readonly [K, ...K[]]) =>
  z.looseObject({
    apiVersion: z.literal(apiVersion),
    kind: z.enum(kinds),
    metadata: z.looseObject({ name, labels: labels.optional() }),
  })
