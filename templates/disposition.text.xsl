<?xml version="1.0" encoding="UTF-8"?>
<!-- Mails about orders as text. One line is one line of thought: the gateway wraps it, a tab marks the column under which a wrapped line
     goes on. Readable in a proportional letter: nothing stands in columns but the labels. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:import href="disposition_common.xsl"/>
  <xsl:output method="text" encoding="UTF-8"/>
  <xsl:strip-space elements="*"/>

  <xsl:variable name="nl" select="'&#10;'"/>
  <xsl:variable name="tab" select="'&#9;'"/>

  <xsl:template match="/mail">
    <xsl:call-template name="lead"/>
    <xsl:value-of select="concat($nl, $nl)"/>
    <xsl:if test="text">
      <xsl:value-of select="concat(text, $nl, $nl)"/>
    </xsl:if>
    <xsl:if test="enclosure">
      <xsl:text>Berkas terlampir: </xsl:text><xsl:value-of select="$tab"/>
      <xsl:for-each select="enclosure"><xsl:if test="position() &gt; 1">, </xsl:if><xsl:value-of select="."/></xsl:for-each>
      <xsl:value-of select="concat($nl, $nl)"/>
    </xsl:if>
    <xsl:if test="@corrected"><xsl:value-of select="concat('Dibaca sebagai: ', @corrected, $nl, $nl)"/></xsl:if>
    <xsl:if test="$kind != 'trace' and $kind != 'letter_done' and $kind != 'noted'">
      <xsl:for-each select="$about"><xsl:call-template name="order"/></xsl:for-each>
    </xsl:if>
    <xsl:variable name="next"><xsl:call-template name="next"/></xsl:variable>
    <xsl:if test="$next != ''"><xsl:value-of select="concat($next, $nl, $nl)"/></xsl:if>
    <xsl:call-template name="letter"/>
    <xsl:if test="$asked"><xsl:call-template name="answers"/></xsl:if>
    <xsl:if test="$list-people"><xsl:call-template name="people"/></xsl:if>
    <xsl:if test="trail/order">
      <xsl:value-of select="concat('RIWAYAT DISPOSISI', $nl)"/>
      <xsl:apply-templates select="trail/order"><xsl:with-param name="indent" select="''"/></xsl:apply-templates>
    </xsl:if>
  </xsl:template>

  <xsl:template name="order">
    <xsl:if test="not($asked)"><xsl:value-of select="concat('Kepada  : ', $tab, @to, $nl)"/></xsl:if>
    <xsl:value-of select="concat('Harap   : ', $tab)"/><xsl:call-template name="instructions"/><xsl:value-of select="$nl"/>
    <xsl:if test="@due">
      <xsl:value-of select="concat('Batas   : ', $tab)"/>
      <xsl:call-template name="due"><xsl:with-param name="iso" select="@due"/><xsl:with-param name="weekday" select="@due_weekday"/></xsl:call-template>
      <xsl:if test="@overdue"> (SUDAH LEWAT)</xsl:if>
      <xsl:value-of select="$nl"/>
    </xsl:if>
    <xsl:if test="note"><xsl:value-of select="concat('Catatan : ', $tab, normalize-space(note), $nl)"/></xsl:if>
    <xsl:if test="words"><xsl:value-of select="concat('Ditulis : ', $tab, normalize-space(words), $nl)"/></xsl:if>
    <xsl:if test="reason and $kind != 'given'"><xsl:value-of select="concat('Alasan  : ', $tab, normalize-space(reason), $nl)"/></xsl:if>
    <xsl:value-of select="$nl"/>
  </xsl:template>

  <xsl:template name="letter">
    <xsl:value-of select="concat('SURAT', $nl, 'Dari    : ', $tab, $letter/sender)"/>
    <xsl:if test="$letter/address != '' and $letter/address != $letter/sender"><xsl:value-of select="concat(' &lt;', $letter/address, '&gt;')"/></xsl:if>
    <xsl:value-of select="$nl"/>
    <xsl:if test="$letter/number != ''"><xsl:value-of select="concat('Nomor   : ', $tab, $letter/number, $nl)"/></xsl:if>
    <xsl:value-of select="concat('Tanggal : ', $tab)"/>
    <xsl:call-template name="day"><xsl:with-param name="iso" select="$letter/date"/></xsl:call-template>
    <xsl:value-of select="concat($nl, 'Hal     : ', $tab, normalize-space($letter/subject), $nl, 'Sifat   : ', $tab, $letter/@urgency, $nl)"/>
    <xsl:value-of select="concat('Agenda  : ', $tab)"/>
    <xsl:if test="$letter/@agenda"><xsl:value-of select="concat('nomor ', $letter/@agenda, ', ')"/></xsl:if>
    <xsl:text>diterima </xsl:text>
    <xsl:call-template name="moment"><xsl:with-param name="iso" select="$letter/@received"/></xsl:call-template>
    <xsl:value-of select="$nl"/>
    <xsl:if test="$letter/verdict != ''"><xsl:value-of select="concat('Keaslian: ', $tab, $letter/verdict, $nl)"/></xsl:if>
    <xsl:if test="@original = 'yes'"><xsl:value-of select="concat('Surat aslinya terlampir.', $nl)"/></xsl:if>
    <xsl:value-of select="$nl"/>
  </xsl:template>

  <xsl:template name="answers">
    <xsl:value-of select="concat('CARA MENJAWAB: balas surel ini dengan salah satu', $nl)"/>
    <xsl:if test="$about/@open = 'yes'">
      <xsl:value-of select="concat('- ', $tab, 'laporan Saudara, beberapa kalimat; berkas boleh dilampirkan', $nl)"/>
      <xsl:value-of select="concat('- ', $tab, 'SELESAI pada baris pertama: tugas selesai; laporan boleh di bawahnya', $nl)"/>
      <xsl:value-of select="concat('- ', $tab, 'TOLAK: alasan', $nl)"/>
    </xsl:if>
    <xsl:if test="$may-order">
      <xsl:value-of select="concat('- ', $tab, '1 TL besok: teruskan kepada bawahan nomor 1 di bawah ini; atau baris Kepada:, Harap:, Batas:, Catatan:', $nl)"/>
    </xsl:if>
    <xsl:if test="$about/@open != 'yes' and not($may-order)"><xsl:value-of select="concat('- ', $tab, 'tidak perlu dijawab', $nl)"/></xsl:if>
    <xsl:value-of select="$nl"/>
  </xsl:template>

  <xsl:template name="people">
    <xsl:value-of select="concat('BAWAHAN SAUDARA (nomor bawahan)', $nl)"/>
    <xsl:for-each select="person"><xsl:value-of select="concat(@n, '. ', $tab, ., $nl)"/></xsl:for-each>
    <xsl:value-of select="concat($nl, 'PERINTAH, dengan kata atau singkatan (nomor perintah dalam kurung hanya di belakang Harap): ')"/>
    <xsl:for-each select="choice">
      <xsl:if test="position() &gt; 1">; </xsl:if>
      <xsl:value-of select="."/>
      <xsl:if test="@short"><xsl:value-of select="concat(', ', @short)"/></xsl:if>
      <xsl:value-of select="concat(' (', @n, ')')"/>
    </xsl:for-each>
    <xsl:value-of select="concat('.', $nl, $nl)"/>
  </xsl:template>

  <xsl:template match="order">
    <xsl:param name="indent"/>
    <xsl:variable name="in" select="concat($indent, '  ', $tab)"/>
    <xsl:value-of select="concat($indent, '- ', $tab, @to, ': ')"/>
    <xsl:call-template name="state"/>
    <xsl:if test="@state = 'done' or @state = 'declined' or @state = 'recalled'">
      <xsl:text> </xsl:text><xsl:call-template name="moment"><xsl:with-param name="iso" select="@state_at"/></xsl:call-template>
    </xsl:if>
    <xsl:if test="@overdue">, TERLAMBAT</xsl:if>
    <xsl:value-of select="concat($nl, $in, 'dari ', @from, ', ')"/>
    <xsl:call-template name="moment"><xsl:with-param name="iso" select="@at"/></xsl:call-template>
    <xsl:value-of select="concat($nl, $in)"/><xsl:call-template name="instructions"/>
    <xsl:if test="@due"><xsl:text>; batas </xsl:text><xsl:call-template name="moment"><xsl:with-param name="iso" select="@due"/></xsl:call-template></xsl:if>
    <xsl:value-of select="$nl"/>
    <xsl:if test="note"><xsl:value-of select="concat($in, 'Catatan: ', normalize-space(note), $nl)"/></xsl:if>
    <xsl:if test="reason"><xsl:value-of select="concat($in, 'Alasan: ', normalize-space(reason), $nl)"/></xsl:if>
    <xsl:if test="@reminded"><xsl:value-of select="concat($in, 'diingatkan ')"/><xsl:call-template name="moment"><xsl:with-param name="iso" select="@reminded"/></xsl:call-template><xsl:value-of select="$nl"/></xsl:if>
    <xsl:if test="@escalated"><xsl:value-of select="concat($in, 'dilaporkan terlambat ')"/><xsl:call-template name="moment"><xsl:with-param name="iso" select="@escalated"/></xsl:call-template><xsl:value-of select="$nl"/></xsl:if>
    <xsl:for-each select="report">
      <xsl:value-of select="$in"/>
      <xsl:choose><xsl:when test="@closing = 'yes'">Laporan akhir </xsl:when><xsl:otherwise>Laporan </xsl:otherwise></xsl:choose>
      <xsl:call-template name="moment"><xsl:with-param name="iso" select="@at"/></xsl:call-template>
      <xsl:if test="@enclosures != '0'"><xsl:value-of select="concat(' (', @enclosures, ' berkas)')"/></xsl:if>
      <xsl:if test=". != ''">
        <xsl:text>: </xsl:text>
        <xsl:value-of select="substring(normalize-space(.), 1, 300)"/>
        <xsl:if test="string-length(normalize-space(.)) &gt; 300"> ...</xsl:if>
      </xsl:if>
      <xsl:value-of select="$nl"/>
    </xsl:for-each>
    <xsl:apply-templates select="order"><xsl:with-param name="indent" select="concat($indent, '  ')"/></xsl:apply-templates>
  </xsl:template>
</xsl:stylesheet>
