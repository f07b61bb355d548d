// Named things with bars; drawn from props: caption, measure, over_time, rows (name, id, details, number, shown, day).
// props.ask says something in the conversation where this is drawn by another element.
import { useEffect, useState } from "react"

const FEW = 6

function Listing({ caption, measure, over_time: overTime, rows, ask }) {
  const [all, setAll] = useState(false)
  // Chainlit measures a conversation for scrolling before elements are drawn; at a change of size it does so again.
  useEffect(() => void window.dispatchEvent(new Event("resize")), [])
  const outOf = Number(/ of ([\d.]+)$/.exec(rows[0].shown)?.[1]) // as in "8.1 of 10"
  const largest = outOf || Math.max(0, ...rows.map((row) => row.number ?? 0))
  const shown = all ? rows : rows.slice(0, FEW)
  return (
    <figure className="listing">
      <figcaption>
        <span>{caption}</span>
        {measure && <span className="listing-measure">{measure}</span>}
      </figcaption>
      {overTime && <History rows={rows} measure={measure} largest={largest} />}
      <ol>
        {shown.map((row, place) => (
          <li key={place}>
            <div className="listing-thing">
              {row.id ? (
                <button type="button" className="listing-name" title={`Ask about ${row.name}`}
                  onClick={() => ask(`Tell me about ${row.name} (ID ${row.id}).`)}>
                  {row.name}
                </button>
              ) : (
                <span className="listing-name">{row.name}</span>
              )}
              {row.id && <span className="listing-id">ID {row.id}</span>}
              {row.details.length > 0 && (
                <div className="listing-details">
                  {row.details.map(([label, value]) => (
                    <span key={label}>
                      {label && <span className="listing-label">{label}</span>} {value}
                    </span>
                  ))}
                </div>
              )}
            </div>
            {measure && (
              <div className="listing-number">
                <span className="listing-bar" aria-hidden="true">
                  <span style={{ width: `${largest > 0 ? (100 * Math.max(row.number ?? 0, 0)) / largest : 0}%` }} />
                </span>
                <span>
                  <span className="sr-only">{measure} </span>
                  {row.shown || "–"}
                </span>
              </div>
            )}
          </li>
        ))}
      </ol>
      {rows.length > FEW && (
        <button type="button" className="listing-more" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Show fewer" : `Show all ${rows.length}`}
        </button>
      )}
    </figure>
  )
}

/** The beginning of a day, a month (1995-11), a year or a decade (1990s), in milliseconds. */
const timeOf = (day) => Date.parse(day.replace("s", ""))

function History({ rows, measure, largest }) {
  const known = rows.filter((row) => row.day && row.number !== null)
  const inOrder = known.sort((a, b) => a.day.localeCompare(b.day))
  const [first, last] = [inOrder[0].day, inOrder[inOrder.length - 1].day]
  const [from, to] = [timeOf(first), timeOf(last)]
  // Places are percentages of a plot that leaves room for the dots at its edges.
  const left = (row) => 1 + (98 * (timeOf(row.day) - from)) / (to - from)
  const top = (row) => 90 - (largest > 0 ? (80 * Math.max(row.number, 0)) / largest : 0)
  return (
    <div className="listing-history">
      <svg role="img" aria-label={`${measure} from ${first} to ${last}: ${inOrder.map((row) => row.shown).join(", ")}`}>
        <line className="listing-base" x1="0" x2="100%" y1="90%" y2="90%" />
        {inOrder.map((row, place) => (
          <g key={place}>
            <line x1={`${left(row)}%`} x2={`${left(row)}%`} y1="90%" y2={`${top(row)}%`} />
            <circle cx={`${left(row)}%`} cy={`${top(row)}%`} r="4">
              <title>{`${row.day}: ${row.name === row.day ? "" : `${row.name}, `}${row.shown}`}</title>
            </circle>
          </g>
        ))}
      </svg>
      <div className="listing-days" aria-hidden="true">
        <span>{first}</span>
        <span>{last}</span>
      </div>
    </div>
  )
}

// Chainlit runs this file again with every message: a list that is open stays so only as the same component.
const Lasting = (globalThis.recsysListing ??= Listing)
export default <Lasting {...props} ask={props.ask ?? sendUserMessage} />
