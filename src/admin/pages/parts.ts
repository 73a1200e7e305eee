import { hash } from 'node:crypto'
import type { AppUser } from '../../middleware/admin-access.js'
import { html, type Html, type HtmlValue } from '../../pages/html.js'
import { initials } from './format.js'

/** The colors of {@link avatar}. */
const AVATAR_COLORS = 6

/** External text: with its own direction. */
export function text(value: string | null | undefined): Html {
  return value === undefined || value === null || value.trim() === ''
    ? html`<span class="quiet">–</span>`
    : html`<bdi>${value}</bdi>`
}

/** The text that names a user best. */
export function nameOf(
  user: Pick<AppUser, 'name' | 'email' | 'username'> & { id: string },
): string {
  const { name, username, email, id } = user
  return [name, username, email].find((value) => value?.trim()) ?? id
}

/** The initials of a user in a circle. The color is the same everywhere. */
export function avatar(id: string, name: string, size: 'small' | 'large' = 'small'): Html {
  const color = (hash('sha256', id, 'buffer')[0] ?? 0) % AVATAR_COLORS
  return html`<span class="avatar tone-${color} ${size === 'large' && size}" aria-hidden="true">${initials(name) || '#'}</span>`
}

/** The look of a badge. */
export type BadgeTone = 'good' | 'bad' | 'plain'

/** A short status. */
export function badge(label: string, tone: BadgeTone): Html {
  return html`<span class="badge ${tone}">${label}</span>`
}

/** A user with initials, name and email address; with a URL as a link. */
export function person(user: AppUser, url: string | undefined): Html {
  const name = nameOf(user)
  const second = [user.email, user.username].find((value) => value?.trim() && value !== name)
  const title = html`<bdi>${name}</bdi>`
  return html`<span class="person">${avatar(user.id, name)}<span class="names">${
    url === undefined
      ? html`<span class="name">${title}</span>`
      : html`<a class="name" href="${url}">${title}</a>`
  }${second && html`<span class="quiet"><bdi>${second}</bdi></span>`}</span></span>`
}

/** A column of a table. */
export interface Column {
  readonly label: string
  /** Aligned to the end, for actions. */
  readonly isEnd?: boolean
  /**
   * Shown on phones, and in a table that is at least this wide: `medium` for 54 rem, `wide` for 65
   * rem.
   */
  readonly from?: 'medium' | 'wide'
}

/**
 * A table that becomes a list of cards on phones. The roles stay when the style sheet changes the
 * display of its parts.
 */
export function table(
  label: string,
  columns: readonly Column[],
  rows: readonly (readonly HtmlValue[])[],
): Html {
  const classOf = ({ isEnd, from }: Column) =>
    [isEnd === true && 'end', from && `from-${from}`].filter(Boolean).join(' ')
  const head = columns.map(
    (column) =>
      html`<th role="columnheader" scope="col" class="${classOf(column)}">${
        column.isEnd === true ? html`<span class="hidden">${column.label}</span>` : column.label
      }</th>`,
  )
  const body = rows.map(
    (cells) =>
      html`<tr role="row">${cells.map((cell, index) => {
        const column = columns[index] ?? { label: '' }
        return html`<td role="cell" class="${classOf(column)}" data-label="${column.label}">${cell}</td>`
      })}</tr>\n`,
  )
  return html`<div class="card flush"><table class="columns-${columns.length}" role="table" aria-label="${label}">
<thead role="rowgroup"><tr role="row">${head}</tr></thead>
<tbody role="rowgroup">
${body}</tbody>
</table></div>`
}

/** A list of names and values. */
export function facts(rows: readonly (readonly [name: string, value: HtmlValue])[]): Html {
  return html`<dl class="facts">${rows.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`,
  )}</dl>`
}

/** In place of a list without items. */
export function empty(title: string, hint: HtmlValue): Html {
  return html`<div class="card empty"><h2>${title}</h2><p class="quiet">${hint}</p></div>`
}

/** The form of a search, with the current query. */
export function searchForm(url: string, query: string, label: string, hint: string): Html {
  return html`<form class="search" role="search" action="${url}" method="get">
<label class="hidden" for="q">${label}</label>
<input id="q" name="q" type="search" value="${query}" placeholder="${hint}" maxlength="320" autocomplete="off" autocapitalize="off" spellcheck="false" dir="auto">
<button class="button" type="submit">Search</button>
</form>`
}
