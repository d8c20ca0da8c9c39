import type { CurrentSession } from '../models/sessions.ts'
import { Layout } from './layout.tsx'

/** The page for a request that could not be answered. */
export const ErrorPage = (props: { title: string; message: string; session: CurrentSession | undefined }) => (
  <Layout title={props.title} session={props.session}>
    <section class="box" aria-labelledby="problem">
      <h1 id="problem">{props.title}</h1>
      <p>{props.message}</p>
      <p>
        <a href="/">Back to the front page</a>
      </p>
    </section>
  </Layout>
)
